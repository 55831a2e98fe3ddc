using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Publish;

/// <summary>
/// What <c>aspire publish</c> writes: a directory for each target below the output directory. <c>aspire do publish-kubernetes</c>
/// writes one of them.
/// </summary>
internal static class PublishTargets
{
    /// <summary>Settings that have a default on a developer's machine only.</summary>
    private static readonly (string Name, string Advice)[] Required =
    [
        ("public-url", "the URL under which clients reach the gateway, such as https://kashif.example.org"),
        ("admin-email", "the e-mail address of the first admin"),
    ];

    /// <summary>Adds a step to Aspire's pipeline for each target.</summary>
    public static void AddPublishTargets(this IDistributedApplicationBuilder builder)
    {
        builder.AddTarget("kubernetes", Kubernetes.HelmChart.WriteAsync);
    }

    private static void AddTarget(this IDistributedApplicationBuilder builder, string name, Func<PublishedApp, string, CancellationToken, Task> writeAsync) =>
        builder.Pipeline.AddStep($"publish-{name}", async context =>
        {
            CheckSettings(builder);
            var directory = Path.Combine(context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory(), name);
            Directory.CreateDirectory(directory);
            await writeAsync(await PublishedApp.ReadAsync(context), directory, context.CancellationToken);
        }, requiredBy: WellKnownPipelineSteps.Publish);

    /// <exception cref="DistributedApplicationException">A required setting is missing.</exception>
    private static void CheckSettings(IDistributedApplicationBuilder builder)
    {
        if (Required.FirstOrDefault(setting => string.IsNullOrWhiteSpace(builder.Configuration[$"Parameters:{setting.Name}"])) is { Name: { } name, Advice: var advice })
        {
            throw new DistributedApplicationException($"Parameters__{name} is missing. Set it to {advice}.");
        }
    }
}
