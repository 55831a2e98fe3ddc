using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Resources;

namespace Kashif.Localization;

/// <summary>
/// Texts for people in the language of the request (<see cref="CultureInfo.CurrentUICulture"/>). The code has the English
/// text; it is the key of the translation in <c>Messages.&lt;language&gt;.resx</c> of the same project.
/// </summary>
/// <remarks>
/// Static, because validation attributes and <c>static</c> errors have no services. Not <c>IStringLocalizer</c>: without a file for
/// English it throws inside for every text that it does not find, and remembers each of them for ever.
/// </remarks>
public static class Localized
{
    private static ImmutableDictionary<Assembly, ResourceManager> _projects = ImmutableDictionary<Assembly, ResourceManager>.Empty;

    /// <summary>Adds the translations of a project.</summary>
    public static void Add(Assembly project) =>
        ImmutableInterlocked.GetOrAdd(ref _projects, project, assembly => new ResourceManager($"{assembly.GetName().Name}.Messages", assembly));

    /// <summary>The translation of a text; the text itself without one.</summary>
    public static string Text(string english)
    {
        var language = CultureInfo.CurrentUICulture;
        return Languages.Translated.Contains(language.Name)
            ? _projects.Values.Select(project => project.GetResourceSet(language, createIfNotExists: true, tryParents: false)?.GetString(english))
                .FirstOrDefault(translation => translation is not null) ?? english
            : english;
    }

    /// <summary>The translation of a text with values, whose key is the format: <c>At most {0} characters.</c></summary>
    public static string Format(FormattableString english) =>
        string.Format(CultureInfo.InvariantCulture, Text(english.Format), english.GetArguments());
}
