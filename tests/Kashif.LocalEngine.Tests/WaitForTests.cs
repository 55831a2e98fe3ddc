using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Kashif.LocalEngine.Tests;

public sealed class WaitForTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_service_starts_when_what_it_waits_for_is_healthy_and_not_before()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        var project = new Projects.Kashif_LocalEngine_Tests_Web().ProjectPath;
        var first = builder.AddProject("first", project).WithHttpEndpoint().WithHttpHealthCheck("/health").WithEnvironment("StartUnhealthy", "true");
        builder.AddProject("second", project).WithHttpEndpoint().WithHttpHealthCheck("/health").WaitFor(first);
        await using var application = await builder.BuildAsync(Cancelled);
        await application.StartAsync(Cancelled);

        // Its check has run and failed: whoever waits must go on waiting.
        await application.ResourceNotifications.WaitForResourceAsync("first", e => e.Snapshot.HealthReports.Any(r => r.Description?.Contains("503", StringComparison.Ordinal) == true), Cancelled);
        application.ResourceNotifications.TryGetCurrentState("second", out var second).ShouldBeTrue();
        second.ShouldNotBeNull().Snapshot.State?.Text.ShouldBe(KnownResourceStates.Waiting);

        using var client = application.CreateHttpClient("first");
        using var recovered = await client.PostAsync("/recover", content: null, Cancelled);
        await application.ResourceNotifications.WaitForResourceHealthyAsync("second", Cancelled);
    }
}
