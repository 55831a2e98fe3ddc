namespace Kashif.Gateway.Health;

/// <summary>What orchestrators and scrapers ask, from inside and as often as they like: over http too, and under no limit.</summary>
internal static class Probes
{
    private static readonly PathString[] Paths = ["/alive", "/health", "/metrics"];

    public static bool IsAt(PathString path) => Array.Exists(Paths, probe => path.StartsWithSegments(probe));
}
