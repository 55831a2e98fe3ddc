namespace Kashif.Notifications.Templates;

internal static class TemplatesExtensions
{
    public static IServiceCollection AddTemplates(this IServiceCollection services) => services
        .AddSingleton<TemplateRenderer>()
        .AddSingleton<TemplateCatalog>()
        .AddHostedService(provider => provider.GetRequiredService<TemplateCatalog>());
}
