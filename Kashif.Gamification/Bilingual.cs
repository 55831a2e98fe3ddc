using Kashif.Validation;

namespace Kashif.Gamification;

/// <summary>A text for people in both languages.</summary>
/// <param name="En" example="Old town">In English.</param>
/// <param name="Ar" example="المدينة القديمة">In Arabic.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record Bilingual([property: Name(Bilingual.MaxLength)] string En, [property: Name(Bilingual.MaxLength)] string Ar)
{
    public const int MaxLength = 200;

    /// <returns>The texts as they are stored.</returns>
    public Bilingual Trimmed() => new(En.Trim(), Ar.Trim());
}
