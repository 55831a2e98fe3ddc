using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Kashif.LocalEngine;

/// <summary>The directories of one application, used by one engine at a time.</summary>
internal sealed class Workspace(EngineOptions options) : IDisposable
{
    private readonly List<string> _throwAway = [];
    private FileStream? _lock;

    /// <summary>State and logs of the running application.</summary>
    public string Run => Path.Combine(options.Root, "run");

    public string Logs => Path.Combine(Run, "logs");

    public string StateFile => Path.Combine(Run, "state.json");

    /// <summary>The data of a server: kept where the resource has a volume, otherwise gone after the run, as a container's would be.</summary>
    public string DataOf(IResource resource)
    {
        var volume = resource.Annotations.OfType<ContainerMountAnnotation>().LastOrDefault()?.Source;
        return volume is null ? Path.Combine(Run, "data", resource.Name) : Path.Combine(options.Root, "data", volume);
    }

    /// <summary>A place outside the repository, for servers whose user may not reach into it.</summary>
    public string OutsideOf(string directory)
    {
        var repository = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(options.Root)))[..12];
        var outside = Path.Combine("/var/lib/kashif", repository, Path.GetRelativePath(options.Root, directory));
        if (options.ThrowAway || directory.StartsWith(Run, StringComparison.Ordinal))
        {
            _throwAway.Add(outside);
        }

        return outside;
    }

    /// <summary>What is deleted when the application ends, however it ends.</summary>
    public IEnumerable<string> ThrowAway => [.. _throwAway, .. options.ThrowAway ? [options.Root] : new[] { StateFile, Path.Combine(Run, "data") }];

    /// <summary>Takes the workspace, or says who has it.</summary>
    public void Take()
    {
        Files.CreatePrivateDirectory(options.Root);
        if (!options.ThrowAway)
        {
            // The CLI's files may be here before us; the directory itself is not secret, its secret files are.
            File.SetUnixFileMode(options.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }
        else
        {
            File.SetUnixFileMode(options.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }

        Directory.CreateDirectory(Run);
        var path = Path.Combine(options.Root, "lock");
        try
        {
            _lock = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new DistributedApplicationException($"Another run of this application is alive and uses {options.Root}. Stop it first (Ctrl-C where it runs), or give this one its own data: --LocalEngine:Root=<directory>.");
        }

        AwaitGuardian();
        if (Directory.Exists(Logs))
        {
            Directory.Delete(Logs, recursive: true);
        }

        Files.CreatePrivateDirectory(Logs);
    }

    /// <summary>After a killed run its guardian may still be stopping the servers whose data are wanted now.</summary>
    public void RecordGuardian(int id)
    {
        _lock!.SetLength(0);
        _lock.Write(Encoding.ASCII.GetBytes(id.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        _lock.Flush();
    }

    public void Release()
    {
        if (_lock is null)
        {
            return;
        }

        foreach (var path in ThrowAway)
        {
            Delete(path);
        }

        Dispose();
    }

    public void Dispose()
    {
        _lock?.Dispose();
        _lock = null;
    }

    public static void Delete(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (Directory.Exists(path))
                {
                    Directory.Delete(path, recursive: true);
                }
                else if (File.Exists(path))
                {
                    File.Delete(path);
                }

                return;
            }
            catch (IOException) when (attempt < 20)
            {
                Thread.Sleep(50); // a server on its way out still writes and removes files
            }
        }
    }

    private void AwaitGuardian()
    {
        using var reader = new StreamReader(_lock!, leaveOpen: true);
        if (!int.TryParse(reader.ReadToEnd(), out var id))
        {
            return;
        }

        try
        {
            using var guardian = Process.GetProcessById(id);
            if (guardian.ProcessName is "sh" or "dash" or "bash")
            {
                guardian.WaitForExit(TimeSpan.FromSeconds(10));
            }
        }
        catch (ArgumentException)
        {
            // Gone already.
        }
    }
}
