using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>The client integrations read a connection string at its first use. This checks it at the start.</summary>
public static class RequiredConnections
{
    /// <param name="name">A resource of <see cref="ResourceNames"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">Thrown by the start if <c>ConnectionStrings:name</c> is missing.</exception>
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
