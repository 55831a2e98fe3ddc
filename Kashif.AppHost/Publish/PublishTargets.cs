using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Publish;

/// <summary>
/// What <c>aspire publish</c> writes: a directory for each target below the output directory. <c>aspire do publish-kubernetes</c>
/// writes one of them.
/// </summary>
internal static class PublishTargets
{
    private const string StepPrefix = "publish-";

    /// <summary>Settings that have a default on a developer's machine only.</summary>
    private static readonly (string Name, string Advice)[] Required =
    [
        ("public-url", "the URL under which clients reach the gateway, such as https://kashif.example.org"),
        ("admin-email", "the e-mail address of the first admin"),
    ];

    /// <summary>Adds a step to Aspire's pipeline for each target.</summary>
    /// <exception cref="DistributedApplicationException">A target is to be published, and a required setting is missing.</exception>
    public static void AddPublishTargets(this IDistributedApplicationBuilder builder)
    {
        if (builder.Configuration["Pipeline:Step"] is { } step && (step == WellKnownPipelineSteps.Publish || step.StartsWith(StepPrefix, StringComparison.Ordinal)) && step != "publish-manifest")
        {
            CheckSettings(builder);
        }

        builder.AddTarget("kubernetes", Kubernetes.HelmChart.WriteAsync);
        builder.AddTarget("azure", Azure.AzureTarget.WriteAsync);
        builder.AddTarget("compose", (app, directory, cancellationToken) => Compose.ComposeTarget.WriteAsync(app, builder.Configuration, directory, cancellationToken));
    }

    /// <returns>What to set a required parameter to. Null for the others.</returns>
    public static string? AdviceFor(ParameterResource parameter) => Array.Find(Required, setting => setting.Name == parameter.Name).Advice;

    private static void AddTarget(this IDistributedApplicationBuilder builder, string name, Func<PublishedApp, string, CancellationToken, Task> writeAsync) =>
        builder.Pipeline.AddStep($"{StepPrefix}{name}", async context =>
        {
            try
            {
                var directory = Path.Combine(context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory(), name);
                Directory.CreateDirectory(directory);
                await writeAsync(await PublishedApp.ReadAsync(context), directory, context.CancellationToken);
            }
            catch
            {
                Environment.ExitCode = 1; // without the Aspire CLI, it would stay 0
                throw;
            }
        }, requiredBy: WellKnownPipelineSteps.Publish);

    private static void CheckSettings(IDistributedApplicationBuilder builder)
    {
        if (Required.FirstOrDefault(setting => string.IsNullOrWhiteSpace(builder.Configuration[$"Parameters:{setting.Name}"])) is { Name: { } name, Advice: var advice })
        {
            throw new DistributedApplicationException($"Parameters__{name} is missing. Set it to {advice}.");
        }
    }
}
