using System.Diagnostics;
using System.Text;
using Kashif.Publish;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif;

/// <summary>
/// Commands for operators: on the dashboard, in <c>aspire resource &lt;name&gt; &lt;command&gt;</c> and in <c>./kashif</c>. Each
/// returns text.
/// </summary>
internal static class OperatorCommands
{
    /// <summary>Adds the commands that every service with a database and the broker has.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceCommands(this IResourceBuilder<ProjectResource> service) => service
        .WithProgramCommand("migrate", "Migrate the database", "Applies pending migrations.", "DatabaseArrowUp", ["migrate"])
        .WithAnnotation(new MigratesDatabaseAnnotation())
        .WithProgramCommand("dead-letters-list", "List dead letters", "Shows the failed messages and their errors.",
            "MailWarning", ["dead-letters", "list"], inputs: Filters())
        .WithProgramCommand("dead-letters-replay", "Replay dead letters", "Moves dead letters to the queue and resets their attempts: all, or the matching ones.",
            "MailArrowUp", ["dead-letters", "replay"],
            inputs: [.. Filters(), Input("data", "Data", "Members of the event to replace, as a JSON object; only with an id.")]);

    /// <summary>Adds a command that runs the service's program with arguments, in the resource's environment.</summary>
    public static IResourceBuilder<ProjectResource> WithProgramCommand(
        this IResourceBuilder<ProjectResource> service, string name, string displayName, string description, string icon, string[] words,
        string? confirmation = null, IReadOnlyList<InteractionInput>? inputs = null) =>
        service.WithCommand(name, displayName, context => RunAsync(service.Resource, [.. words, .. OptionsOf(context)], context), new CommandOptions
        {
            Arguments = inputs ?? [],
            Description = description,
            IconName = icon,
            ConfirmationMessage = confirmation,
            UpdateState = _ => ResourceCommandState.Enabled, // also if the service is down: it may need the migration
        });

    /// <summary>Adds a command that shows a secret value.</summary>
    public static IResourceBuilder<TResource> WithValueCommand<TResource>(
        this IResourceBuilder<TResource> resource, string name, string displayName, string description, Func<CancellationToken, ValueTask<string?>> value)
        where TResource : IResource =>
        resource.WithCommand(name, displayName, async context => Text(await value(context.CancellationToken) ?? ""), new CommandOptions
        {
            Description = description,
            IconName = "Key",
            UpdateState = _ => ResourceCommandState.Enabled,
        });

    private static InteractionInput[] Filters() =>
    [
        Input("type", "Type", "Only events of this type, such as report.created."),
        Input("exception", "Exception", "Only failures with this exception, such as InvalidOperationException."),
        Input("id", "Id", "Only this dead letter, or this event."),
    ];

    private static InteractionInput Input(string name, string label, string description) =>
        new() { Name = name, Label = label, Description = description, InputType = InputType.Text };

    /// <summary>The inputs that were filled in, as options of the program.</summary>
    private static IEnumerable<string> OptionsOf(ExecuteCommandContext context) =>
        context.Arguments.Where(input => !string.IsNullOrEmpty(input.Value)).SelectMany(input => new[] { $"--{input.Name}", input.Value ?? "" });

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
            : CommandResults.Failure(
                $"'{service.Name} {string.Join(' ', words)}' failed with exit code {process.ExitCode}.",
                output.ToString(), CommandResultFormat.Text);
    }

    private static ExecuteCommandResult Text(string value) =>
        CommandResults.Success("", new CommandResultData { Value = value, Format = CommandResultFormat.Text, DisplayImmediately = true });
}
