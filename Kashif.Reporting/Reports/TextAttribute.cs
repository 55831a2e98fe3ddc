using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Reports;

/// <summary>Validates the length of a text without leading and trailing white space, which is not stored.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class TextAttribute : StringLengthAttribute
{
    public TextAttribute(int min, int max)
        : base(max)
    {
        MinimumLength = min;
        ErrorMessage = min == 0 ? $"At most {max} characters." : $"Between {min} and {max} characters.";
    }

    public override bool IsValid(object? value) => base.IsValid((value as string)?.Trim());
}
