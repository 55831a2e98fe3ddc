using System.Text;
using System.Text.RegularExpressions;
using Kashif.NativeServers;

namespace Kashif.Publish.Compose;

/// <summary>A value that the operator can change in <c>.env</c>.</summary>
/// <param name="Value">The first value. Null for a random secret.</param>
internal sealed record Variable(string Name, string Description, string? Value)
{
    /// <summary>What to set it to, for the message when it is missing.</summary>
    public string? Advice { get; init; }

    public bool IsRequired { get; init; }

    public bool IsSecret { get; init; }

    /// <summary>Compose's syntax for the value. No secret and no value of a required setting stands in it.</summary>
    public string Reference => IsRequired
        ? $"${{{Name}:?Set {Name} in .env{(Advice is null ? "" : $" to {Advice}")}}}"
        : $"${{{Name}:-{(IsSecret ? "" : Value?.Replace("$", "$$", StringComparison.Ordinal))}}}";
}

internal static partial class DotEnv
{
    private const string Head = """
        # The values of docker-compose.yaml. Publishing again keeps this file and adds only what is missing.
        # Quote values that have spaces or signs like this: NAME='a value'

        """;

    /// <summary>Creates the file, or adds the missing variables to it. Only its owner may read it.</summary>
    public static async Task WriteAsync(string path, IEnumerable<Variable> variables, CancellationToken cancellationToken)
    {
        var text = new StringBuilder(File.Exists(path) ? await File.ReadAllTextAsync(path, cancellationToken) : Head);
        if (text[^1] != '\n')
        {
            text.Append('\n');
        }

        var present = Assignment().Matches(text.ToString()).Select(match => match.Groups["name"].Value).ToHashSet();
        foreach (var variable in variables.Where(variable => !present.Contains(variable.Name)))
        {
            text.Append(string.IsNullOrEmpty(variable.Description) ? "\n" : $"\n# {variable.Description}\n").Append($"{variable.Name}={Quote(variable.Value ?? RunData.NewSecret())}\n");
        }

        // Atomic, and never readable by others: an interrupted publish must not lose the only copy of the secrets.
        var next = $"{path}.next";
        File.Delete(next);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        await using (var writer = new StreamWriter(next, options))
        {
            await writer.WriteAsync(text, cancellationToken);
        }

        File.Move(next, path, overwrite: true);
    }

    /// <exception cref="DistributedApplicationException">The value ends in a backslash, which Docker Compose takes for an escape.</exception>
    private static string Quote(string value) => value.EndsWith('\\')
        ? throw new DistributedApplicationException("A parameter ends in a backslash, which .env cannot express. Set another value.")
        : Plain().IsMatch(value) ? value : $"'{value.Replace("'", @"\'", StringComparison.Ordinal)}'";

    [GeneratedRegex(@"^[ \t]*(?:export[ \t]+)?(?<name>\w+)[ \t]*=", RegexOptions.Multiline)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"^[\w./:@+,;=-]*\z")]
    private static partial Regex Plain();
}
