namespace Kashif.Notifications.Assistant;

internal static class AssistantExtensions
{
    public static IServiceCollection AddAssistant(this IServiceCollection services)
    {
        services.AddOptions<AssistantOptions>().BindConfiguration(AssistantOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddHttpClient(ServiceReader.Client);
        services.AddSingleton<ServiceReader>();

        // Asked in this order.
        services.AddScoped<IAssistantModel, RuleModel>();
        services.AddScoped<IAssistantModel, ChatModel>();
        services.AddHostedService<AssistantCleanup>();
        return services;
    }
}
