using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Kashif.NativeServers;

/// <summary>
/// The directory of a run's data and generated secrets: <c>.kashif/</c> of this checkout, or a temporary one where the setting
/// <c>ThrowAwayData</c> is true (tests). Secrets live beside the data that they open, so both are there or neither is.
/// </summary>
internal sealed class RunData
{
    private static readonly ConditionalWeakTable<IDistributedApplicationBuilder, RunData> All = [];

    /// <summary>How the paths of this process's temporary directories begin; the guardian deletes them.</summary>
    public static readonly string TemporaryPrefix = Path.Combine(Path.GetTempPath(), $"kashif-run-{Environment.ProcessId}-");

    // Letters and digits that are not mistaken for one another, and need no quoting in a URL or a shell.
    private const string Alphabet = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";
    private const int Length = 32;
    private const UnixFileMode Walkable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly string _root;

    private RunData(IDistributedApplicationBuilder builder)
    {
        IsThrownAway = builder.Configuration.GetValue<bool>("ThrowAwayData");
        _root = IsThrownAway
            ? $"{TemporaryPrefix}{Guid.CreateVersion7():n}"
            : Path.GetFullPath(builder.Configuration["DataDirectory"] ?? "../.kashif", builder.AppHostDirectory);
    }

    public bool IsThrownAway { get; }

    /// <summary>
    /// How the names of the run's container volumes begin. It contains the directory, so a copied checkout has its own volumes, and an
    /// id that is kept with the secrets, so new secrets get new volumes.
    /// </summary>
    public string VolumePrefix => IsThrownAway
        ? $"{Path.GetFileName(_root)}-"
        : $"kashif-{Secret("volumes")[..8]}-{Regex.Replace(_root.Trim('/'), "[^A-Za-z0-9]", "_")}-";

    public static RunData For(IDistributedApplicationBuilder builder) => All.GetValue(builder, builder => new RunData(builder));

    /// <returns>The path of a file or directory of the run, whose parent exists.</returns>
    public string PathOf(string name)
    {
        Directory.CreateDirectory(_root);
        return Path.Combine(_root, name);
    }

    /// <returns>The path of a server's data.</returns>
    public string DirectoryOf(string resource)
    {
        // PostgreSQL runs as another user where the AppHost is root: it must be able to walk through.
        var data = Path.Combine(_root, "data");
        Directory.CreateDirectory(data);
        if (!OperatingSystem.IsWindows() && IsThrownAway)
        {
            File.SetUnixFileMode(_root, Walkable);
        }

        return Path.Combine(data, resource);
    }

    /// <returns>The secret of this name, made at the first call and kept.</returns>
    public string Secret(string name)
    {
        var directory = Path.Combine(_root, "secrets");
        var path = Path.Combine(directory, name);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(directory);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }

            // Moved there whole: an interrupted start leaves no half of a secret.
            File.WriteAllText($"{path}.next", RandomNumberGenerator.GetString(Alphabet, Length));
            File.Move($"{path}.next", path, overwrite: true);
        }

        return File.ReadAllText(path).Trim();
    }
}
