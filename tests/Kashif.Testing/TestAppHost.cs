extern alias AppHost;

using Aspire.Hosting.Testing;

namespace Kashif.Testing;

/// <summary>The AppHost as tests start it: on throw-away data and free ports.</summary>
public static class TestAppHost
{
    /// <param name="settings">More of its configuration, such as <c>--Parameters:admin-email=…</c>.</param>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] settings) =>
        DistributedApplicationTestingBuilder.CreateAsync<AppHost::Projects.Kashif_AppHost>(["--ThrowAwayData=true", "--Parameters:gateway-port=0", .. settings]);
}
