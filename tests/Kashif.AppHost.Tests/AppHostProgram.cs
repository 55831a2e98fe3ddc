extern alias AppHost;

using System.Reflection;

namespace Kashif.AppHost.Tests;

/// <summary>The built AppHost.</summary>
internal static class AppHostProgram
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    /// <summary>The directory of its project.</summary>
    public static string Directory { get; } = typeof(AppHost::Projects.Kashif_AppHost).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key.Equals("apphostprojectpath", StringComparison.OrdinalIgnoreCase)).Value ?? "";

    public static string Path { get; } = System.IO.Path.Combine(Directory, "bin", Configuration, "net10.0", "Kashif.AppHost");
}
