extern alias AppHost;

using Aspire.Hosting.Testing;

namespace Kashif.Testing;

/// <summary>Creates the AppHost for tests, with temporary data and free ports.</summary>
public static class TestAppHost
{
    /// <param name="settings">Additional configuration, such as <c>--Parameters:admin-email=…</c>.</param>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] settings) =>
        DistributedApplicationTestingBuilder.CreateAsync<AppHost::Projects.Kashif_AppHost>(["--ThrowAwayData=true", "--Parameters:gateway-port=0", .. settings]);
}
