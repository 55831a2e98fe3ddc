using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>A one-off task that a service runs instead of serving requests.</summary>
/// <param name="Name">The command-line arguments, separated by spaces.</param>
public sealed record ServiceCommand(string Name, Func<IServiceProvider, CancellationToken, Task> RunAsync);

public static class ServiceCommandExtensions
{
    /// <summary>Adds a command for <see cref="ServiceDefaultsExtensions.RunServiceAsync"/>.</summary>
    /// <inheritdoc cref="ServiceCommand" path="/param"/>
    public static IServiceCollection AddCommand(this IServiceCollection services, string name, Func<IServiceProvider, CancellationToken, Task> run) =>
        services.AddSingleton(new ServiceCommand(name, run));
}
