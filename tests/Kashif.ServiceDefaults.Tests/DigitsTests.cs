using Kashif.Validation;

namespace Kashif.ServiceDefaults.Tests;

public sealed class DigitsTests
{
    [Theory]
    [InlineData("١٢٣٤٥٦٧٨٩٠", "1234567890")] // Arabic-Indic
    [InlineData("۱۲۳۴۵۶۷۸۹۰", "1234567890")] // Persian
    [InlineData("１２３", "123")]
    [InlineData("ABC-٢3", "ABC-23")]
    [InlineData("½ ² Ⅷ", "½ ² Ⅷ")] // numbers, but no decimal digits
    [InlineData("", "")]
    public void Digits_of_every_script_become_ASCII(string typed, string expected) => Digits.ToAscii(typed).ShouldBe(expected);
}
