using System.ComponentModel.DataAnnotations;
using Kashif.Localization;

namespace Kashif.Validation;

/// <summary>Validates the range of a number; both bounds are allowed values unless <c>MinimumIsExclusive</c> says otherwise.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class BetweenAttribute : RangeAttribute
{
    public BetweenAttribute(int min, int max)
        : base(min, max)
    {
    }

    public BetweenAttribute(double min, double max)
        : base(min, max)
    {
    }

    public override string FormatErrorMessage(string name) => this switch
    {
        { Maximum: int.MaxValue } => Localized.Format($"Must be at least {Minimum}."),
        { MinimumIsExclusive: true } => Localized.Format($"Must be more than {Minimum} and at most {Maximum}."),
        _ => Localized.Format($"Must be between {Minimum} and {Maximum}."),
    };
}
