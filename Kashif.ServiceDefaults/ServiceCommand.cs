using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>A task that a service runs once, instead of serving.</summary>
/// <param name="Name">The words that an operator types.</param>
public sealed record ServiceCommand(string Name, Func<IServiceProvider, CancellationToken, Task> RunAsync);

public static class ServiceCommandExtensions
{
    /// <summary>Adds a command for <see cref="ServiceDefaultsExtensions.RunServiceAsync"/>.</summary>
    /// <inheritdoc cref="ServiceCommand" path="/param"/>
    public static IServiceCollection AddCommand(this IServiceCollection services, string name, Func<IServiceProvider, CancellationToken, Task> run) =>
        services.AddSingleton(new ServiceCommand(name, run));
}
