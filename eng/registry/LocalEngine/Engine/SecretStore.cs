using System.Text.Json;

namespace Kashif.LocalEngine;

/// <summary>Generated secrets, kept in a file that only its owner reads; without a path they live as long as the process.</summary>
internal sealed class SecretStore(string? path)
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _memory = [];

    public string GetOrAdd(string key, Func<string> create)
    {
        lock (_lock)
        {
            var secrets = path is null ? _memory : Read(path);
            if (!secrets.TryGetValue(key, out var value))
            {
                secrets[key] = value = create();
                if (path is not null)
                {
                    Files.WritePrivate(path, JsonSerializer.Serialize(secrets, Json));
                }
            }

            return value;
        }
    }

    private static Dictionary<string, string> Read(string path) =>
        File.Exists(path) ? JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(path)) ?? [] : [];
}

internal static class Files
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces a file as a whole; only its owner may read it, from its first moment.</summary>
    public static void WritePrivate(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var next = $"{path}.{Environment.ProcessId}.next";
        using (var stream = new FileStream(next, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        using (var writer = new StreamWriter(stream))
        {
            writer.Write(content);
        }

        File.Move(next, path, overwrite: true);
    }

    public static void CreatePrivateDirectory(string path) =>
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
}
