using System.Globalization;
using System.Text.Encodings.Web;
using Fluid;
using Fluid.Values;

namespace Kashif.Notifications.Templates;

/// <summary>
/// Text from outside, such as a report's title. It is isolated where its direction differs from the template's, so that it does not
/// reorder the text around it (https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates).
/// </summary>
internal sealed class UserText(string text, bool rightToLeft) : FluidValue
{
    public const char FirstStrongIsolate = '\u2068';
    public const char PopIsolate = '\u2069';

    public override FluidValues Type => FluidValues.String;

    /// <summary>Removes control characters and bidirectional controls, which would change the direction of the text around it.</summary>
    public static FluidValue Create(string text, bool rightToLeft, int maxLength)
    {
        var clean = string.Concat(text.ReplaceLineEndings("\n").Replace('\t', ' ').Where(character =>
            character == '\n' || (!char.IsControl(character) && character is not ((>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069'))))).Trim();
        return clean.Length == 0 ? NilValue.Instance : new UserText(clean.Shorten(maxLength), rightToLeft);
    }

    /// <summary>What a filter has made of this text.</summary>
    public UserText With(string changed) => new(changed, rightToLeft);

    public override bool Equals(FluidValue? other) => other switch
    {
        null => false,
        { Type: FluidValues.Blank or FluidValues.Empty or FluidValues.Nil } => other.Equals(this),
        { Type: FluidValues.String } => text == other.ToStringValue(),
        _ => false,
    };

    public override bool Equals(object? obj) => Equals(obj as FluidValue);

    public override int GetHashCode() => text.GetHashCode(StringComparison.Ordinal);

    public override bool ToBooleanValue() => true;

    public override decimal ToNumberValue() => decimal.TryParse(text, NumberStyles.Any, CultureInfo.InvariantCulture, out var number) ? number : 0;

    public override string ToStringValue() => text;

    public override object ToObjectValue() => text;

    public override bool Contains(FluidValue value) => text.Contains(value.ToStringValue(), StringComparison.Ordinal);

    public override IEnumerable<FluidValue> Enumerate(TemplateContext context) => [this];

    public override async ValueTask WriteToAsync(TextWriter writer, TextEncoder encoder, CultureInfo cultureInfo) =>
        await writer.WriteAsync(IsForeign() ? $"{FirstStrongIsolate}{text}{PopIsolate}" : text);

    private bool IsForeign() => rightToLeft
        ? text.Any(character => char.IsLetterOrDigit(character) && !IsRightToLeft(character))
        : text.Any(IsRightToLeft);

    private static bool IsRightToLeft(char character) =>
        character is (>= '\u0590' and <= '\u08ff') or (>= '\ufb1d' and <= '\ufdff') or (>= '\ufe70' and <= '\ufefc') or '\ud802' or '\ud803' or '\ud83a' or '\ud83b';
}
