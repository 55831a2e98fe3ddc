using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Localization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

[assembly: RootNamespace("Kashif")]

namespace Kashif.Localization;

/// <summary>
/// Texts for people in the language of the request (<see cref="CultureInfo.CurrentUICulture"/>). The code has the English
/// text; it is the key of the translation in <c>Messages.&lt;language&gt;.resx</c> of the same project.
/// </summary>
/// <remarks>Static, because validation attributes and <c>static</c> errors have no services.</remarks>
public static class Localized
{
    private const string Resource = "Messages";

    private static readonly ResourceManagerStringLocalizerFactory Factory = new(Options.Create(new LocalizationOptions()), NullLoggerFactory.Instance);

    private static ImmutableDictionary<string, IStringLocalizer> _projects = ImmutableDictionary<string, IStringLocalizer>.Empty;

    /// <summary>Adds the translations of a project.</summary>
    /// <param name="assembly">The name of its assembly.</param>
    public static void Add(string assembly) =>
        ImmutableInterlocked.GetOrAdd(ref _projects, assembly, name => Factory.Create(Resource, name));

    /// <summary>The translation of a text; the text itself without one.</summary>
    public static string Text(string english) =>
        _projects.Values.Select(project => project[english]).FirstOrDefault(text => !text.ResourceNotFound)?.Value ?? english;

    /// <summary>The translation of a text with values, whose key is the format: <c>At most {0} characters.</c></summary>
    public static string Format(FormattableString english) =>
        string.Format(CultureInfo.InvariantCulture, Text(english.Format), english.GetArguments());
}
