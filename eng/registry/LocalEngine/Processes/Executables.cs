using Aspire.Hosting;

namespace Kashif.LocalEngine;

/// <summary>Finds installed programs, and says what to install when one is missing.</summary>
internal static class Executables
{
    /// <summary>The path of a program on the PATH or in one of the other directories (which may end in a pattern's newest match), or null.</summary>
    public static string? Find(string name, params IEnumerable<string> otherDirectories) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(otherDirectories)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    /// <summary>Subdirectories <paramref name="below"/> each child of <paramref name="parent"/>, the highest version first.</summary>
    public static IEnumerable<string> Versions(string parent, string below) => Directory.Exists(parent)
        ? Directory.GetDirectories(parent)
            .OrderByDescending(d => Version.TryParse(Path.GetFileName(d).Split('-', '_')[^1] + ".0", out var version) ? version : new Version())
            .Select(d => Path.Combine(d, below))
        : [];
}

/// <summary>A server that is not installed: what is missing and the command that installs it.</summary>
internal sealed class MissingServerException(string server, string program, string debianPackage, string homebrewFormula)
    : DistributedApplicationException(
        $"{server} is not installed: there is no `{program}` on this machine. Install it with: "
        + (OperatingSystem.IsMacOS() ? $"brew install {homebrewFormula}" : $"{(Environment.IsPrivilegedProcess ? "" : "sudo ")}apt-get install -y {debianPackage}  (Debian's package `{debianPackage}`; on macOS: brew install {homebrewFormula})"));
