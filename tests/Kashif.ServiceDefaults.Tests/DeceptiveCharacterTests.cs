using Kashif.Validation;

namespace Kashif.ServiceDefaults.Tests;

public sealed class DeceptiveCharacterTests
{
    [Theory]
    [InlineData("\u200b")] // zero width space
    [InlineData("\u200d")] // zero width joiner
    [InlineData("\u200e")] // left-to-right mark
    [InlineData("\u00ad")] // soft hyphen
    [InlineData("\u061c")] // Arabic letter mark
    [InlineData("\u2060")] // word joiner
    [InlineData("\ufeff")] // byte order mark
    [InlineData("\u034f")] // combining grapheme joiner
    [InlineData("\ufe0f")] // variation selector
    [InlineData("\U000e0061")] // tag letter
    [InlineData("\u00a0")] // no-break space
    [InlineData("\u2028")] // line separator
    [InlineData("\t")]
    public void Identifier_is_refused(string character)
    {
        new IdentifierAttribute(100).IsValid($"SUMMER{character}26").ShouldBeFalse();
        DeceptiveCharacters.FindHidden($"SUMMER{character}26").ShouldNotBeNull().ShouldContain("U+");
    }

    [Theory]
    [InlineData("Till at the counter")]
    [InlineData("صندوق الدفع ٢")]
    [InlineData("café-é_1.2")]
    public void Identifier_is_accepted(string identifier) => new IdentifierAttribute(100).IsValid(identifier).ShouldBeTrue();

    [Theory]
    [InlineData("\u202a", false)]
    [InlineData("\u202e", false)]
    [InlineData("\u2066", false)]
    [InlineData("\u2069", false)]
    [InlineData("\u200f", true)] // right-to-left mark
    [InlineData("\u200c", true)] // zero width non-joiner
    [InlineData("\u200d", true)] // zero width joiner, part of emoji
    public void Titles_and_names_refuse_only_what_reorders(string character, bool valid)
    {
        new NameAttribute(100).IsValid($"A{character}B").ShouldBe(valid);
        new TitleAttribute(1, 100).IsValid($"A{character}B").ShouldBe(valid);
        new TextAttribute(1, 100).IsValid($"A{character}B").ShouldBeTrue();
    }
}
