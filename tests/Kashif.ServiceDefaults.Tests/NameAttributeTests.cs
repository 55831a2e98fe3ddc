using Kashif.Validation;

namespace Kashif.ServiceDefaults.Tests;

public sealed class NameAttributeTests
{
    [Theory]
    [InlineData("\u00e9", true)]
    [InlineData("\U0001f44d", true)]
    [InlineData("\u0958", false)] // two code points in NFC, the form that is stored
    public void A_name_is_as_long_as_the_form_that_is_stored(string character, bool valid) =>
        new NameAttribute(200).IsValid(string.Concat(Enumerable.Repeat(character, 200))).ShouldBe(valid);

    [Theory]
    [InlineData("\u200D")]
    [InlineData(" \uFEFF ")]
    [InlineData("\u3164")]
    [InlineData("\u2800\u2800")]
    public void A_text_that_shows_nothing_is_missing(string text)
    {
        new NameAttribute(10).IsValid(text).ShouldBeFalse();
        new TextAttribute(1, 10).IsValid(text).ShouldBeFalse();
        new TitleAttribute(1, 10).IsValid(text).ShouldBeFalse();
        new TextAttribute(10).IsValid(text).ShouldBeTrue(); // not required
        new TextAttribute(1, 10).IsValid($"{text}س").ShouldBeTrue();
    }
}
