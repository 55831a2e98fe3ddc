namespace Kashif.Reporting.Agencies;

/// <summary>A name in English and Arabic.</summary>
/// <param name="En" example="Water works">In English.</param>
/// <param name="Ar" example="مؤسسة المياه">In Arabic.</param>
internal sealed record Name(string En, string Ar);
