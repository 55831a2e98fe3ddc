namespace Kashif.Validation;

/// <summary>Validates a title: a text that shows its characters in their order.</summary>
/// <param name="min">In characters; with 1 or more the field is required.</param>
/// <param name="max">In characters.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class TitleAttribute(int min, int max) : TextAttribute(min, max)
{
    private protected override string? Error(string text) => base.Error(text) ?? DeceptiveCharacters.FindReordering(text);
}
