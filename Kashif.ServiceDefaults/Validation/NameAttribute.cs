namespace Kashif.Validation;

/// <summary>
/// Validates a required name that shows its characters in their order. Its length is counted in code points, as PostgreSQL's <c>varchar</c> does: names are indexed, and
/// an index entry has a largest size.
/// </summary>
/// <param name="max">In code points.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public class NameAttribute(int max) : CharactersAttribute(max)
{
    private protected override string? Error(string text)
    {
        var name = text.Trim().Normalize(); // as it is stored
        return DeceptiveCharacters.IsBlank(name) ? Missing
            : name.EnumerateRunes().Count() > MaximumLength ? TooLong
            : DeceptiveCharacters.FindReordering(name);
    }
}
