using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>A one-off task that a service runs instead of serving requests.</summary>
/// <param name="Name">The command-line arguments without options, separated by spaces.</param>
/// <param name="Options">The names of the options that the command has, such as <c>--type</c>. Each takes a value.</param>
public sealed record ServiceCommand(
    string Name, IReadOnlyList<string> Options, Func<IServiceProvider, IReadOnlyDictionary<string, string>, CancellationToken, Task> RunAsync);

/// <summary>A command cannot be run as it was typed; the message says why. The process ends with exit code 2.</summary>
public sealed class CommandException(string message) : Exception(message);

public static class ServiceCommandExtensions
{
    /// <summary>Adds a command for <see cref="ServiceDefaultsExtensions.RunServiceAsync"/>.</summary>
    /// <inheritdoc cref="ServiceCommand" path="/param"/>
    public static IServiceCollection AddCommand(this IServiceCollection services, string name, Func<IServiceProvider, CancellationToken, Task> run) =>
        services.AddCommand(name, [], (provider, _, cancellationToken) => run(provider, cancellationToken));

    /// <inheritdoc cref="AddCommand(IServiceCollection, string, Func{IServiceProvider, CancellationToken, Task})"/>
    public static IServiceCollection AddCommand(
        this IServiceCollection services, string name, string[] options,
        Func<IServiceProvider, IReadOnlyDictionary<string, string>, CancellationToken, Task> run) =>
        services.AddSingleton(new ServiceCommand(name, options, run));
}
