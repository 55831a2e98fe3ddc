namespace Kashif.Validation;

/// <summary>Validates a required identifier, such as a code: a name without characters that cannot be seen.</summary>
/// <param name="max">In code points.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class IdentifierAttribute(int max) : NameAttribute(max)
{
    private protected override string? Error(string text) => DeceptiveCharacters.FindHidden(text.Trim()) ?? base.Error(text);
}
