using System.Net.Http.Headers;
using Microsoft.Extensions.Primitives;

namespace Kashif.Gateway.Representation;

/// <summary>The <c>Prefer</c> header (RFC 7240).</summary>
internal static class Preferences
{
    public const string Header = "Prefer";
    public const string Applied = "Preference-Applied";

    /// <summary>Whether the header has the preference without a value, or with an empty one, which means the same.</summary>
    public static bool Has(StringValues header, string name) => new HeaderDictionary { [Header] = header }
        .GetCommaSeparatedValues(Header)
        .Any(text => NameValueWithParametersHeaderValue.TryParse(text, out var preference)
            && preference.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
            && preference.Value is (null or "" or "\"\""));
}
