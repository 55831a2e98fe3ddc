namespace Kashif.Gateway.Health;

/// <summary>Paths for orchestrators and scrapers inside the network: allowed over http and without a rate limit.</summary>
internal static class Probes
{
    private static readonly PathString[] Paths = ["/alive", "/ready", "/health", "/metrics"];

    public static bool IsAt(PathString path) => Array.Exists(Paths, probe => path.StartsWithSegments(probe));
}
