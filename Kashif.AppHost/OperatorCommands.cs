using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>
/// What an operator does with a running system: buttons on the dashboard, <c>aspire resource &lt;name&gt; &lt;command&gt;</c>, and
/// <c>./kashif</c>. Each returns its result as text.
/// </summary>
internal static class OperatorCommands
{
    /// <summary>Adds the commands of every service that has a database and the broker.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceCommands(this IResourceBuilder<ProjectResource> service) => service
        .WithProgramCommand("migrate", "Migrate the database", "Applies the migrations that the database lacks.", "DatabaseArrowUp", ["migrate"])
        .WithProgramCommand("dead-letters-list", "List dead letters", "Shows the messages that failed for good, and why.", "MailWarning", ["dead-letters", "list"])
        .WithProgramCommand("dead-letters-replay", "Replay dead letters", "Puts all dead letters back into the queue, with all tries ahead of them.", "MailArrowUp", ["dead-letters", "replay"]);

    /// <summary>Adds a command that runs the service's own program with these words and the settings of the resource.</summary>
    public static IResourceBuilder<ProjectResource> WithProgramCommand(
        this IResourceBuilder<ProjectResource> service, string name, string displayName, string description, string icon, string[] words, string? confirmation = null) =>
        service.WithCommand(name, displayName, context => RunAsync(service.Resource, words, context), new CommandOptions
        {
            Description = description,
            IconName = icon,
            ConfirmationMessage = confirmation,
            UpdateState = _ => ResourceCommandState.Enabled, // also while the service is down: that is when a migration is wanted
        });

    /// <summary>Adds a command that shows a value that is too secret for the list of resources.</summary>
    public static IResourceBuilder<TResource> WithValueCommand<TResource>(
        this IResourceBuilder<TResource> resource, string name, string displayName, string description, Func<CancellationToken, ValueTask<string?>> value)
        where TResource : IResource =>
        resource.WithCommand(name, displayName, async context => Text(await value(context.CancellationToken) ?? ""), new CommandOptions
        {
            Description = description,
            IconName = "Key",
            UpdateState = _ => ResourceCommandState.Enabled,
        });

    private static async Task<ExecuteCommandResult> RunAsync(ProjectResource service, string[] words, ExecuteCommandContext context)
    {
        var start = new ProcessStartInfo(BuiltProgram.PathOf(service), words) { RedirectStandardOutput = true, RedirectStandardError = true };
        var settings = await ExecutionConfigurationBuilder.Create(service).WithEnvironmentVariablesConfig()
            .BuildAsync(context.Services.GetRequiredService<DistributedApplicationExecutionContext>(), context.Logger, context.CancellationToken);
        foreach (var (name, value) in settings.EnvironmentVariables)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start.");
        var output = new StringBuilder();
        DataReceivedEventHandler collect = (_, line) =>
        {
            lock (output)
            {
                output.AppendLine(line.Data);
            }
        };
        process.OutputDataReceived += collect;
        process.ErrorDataReceived += collect;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode == 0
            ? Text(output.ToString().Trim())
            : CommandResults.Failure($"'{string.Join(' ', words)}' of {service.Name} ended with {process.ExitCode}.", output.ToString(), CommandResultFormat.Text);
    }

    private static ExecuteCommandResult Text(string value) =>
        CommandResults.Success("", new CommandResultData { Value = value, Format = CommandResultFormat.Text, DisplayImmediately = true });
}
