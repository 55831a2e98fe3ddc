using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kashif;

/// <summary>
/// Sets the time zone that Directory.Build.props gives the test assembly. The servers and services that the tests start inherit it.
/// <c>TZ=Asia/Riyadh ./kashif test</c> sets another one for all assemblies.
/// </summary>
public sealed class TestZone
{
    private const string Variable = "TZ";

    private static readonly string Wanted = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given
        ? given
        : typeof(TestZone).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(TestZone)).Value ?? "";

    [ModuleInitializer]
    internal static void Set()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // its zone is no variable
        }

        // Native code reads its own copy. With another zone there, OpenSSL would compare certificates with a time that is hours away.
        _ = SetNative(Variable, Wanted, overwrite: 1);
        Environment.SetEnvironmentVariable(Variable, Wanted);
        TimeZoneInfo.ClearCachedData();
    }

    [Fact]
    public void The_tests_run_in_the_zone_of_their_assembly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The zone cannot be set there.");

        TimeZoneInfo.Local.Id.ShouldBe(Wanted);
    }

    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi)]
    private static extern int SetNative(string name, string value, int overwrite);
}
