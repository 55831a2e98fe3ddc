using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>Checks connection strings at the start: Aspire's client integrations would read them only at the first use.</summary>
public static class RequiredConnections
{
    /// <param name="name">A resource of <see cref="ResourceNames"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">
    /// <c>ConnectionStrings:name</c> is missing; thrown when the host starts.
    /// </exception>
    public static IServiceCollection RequireConnection(this IServiceCollection services, string name)
    {
        services.AddOptions<RequiredConnection>(name)
            .Configure<IConfiguration>((connection, configuration) => connection.Value = configuration.GetConnectionString(name))
            .Validate(
                connection => !string.IsNullOrWhiteSpace(connection.Value),
                $"ConnectionStrings:{name} is not set. Start the service from the AppHost, or set ConnectionStrings__{name}.")
            .ValidateOnStart();
        return services;
    }

    private sealed class RequiredConnection
    {
        public string? Value { get; set; }
    }
}
