namespace Kashif.Reporting.Agencies;

/// <summary>Something that hangs on an agency, for an answer that refuses to delete it.</summary>
/// <param name="Kind" example="area">Such as <c>area</c>, <c>employee</c> or <c>report</c>.</param>
internal sealed record HeldBy(string Kind, Guid Id);

/// <summary>Tells what hangs on an agency. A feature registers one for its own tables.</summary>
internal interface IAgencyUse
{
    /// <param name="most">Of each kind.</param>
    Task<IReadOnlyList<HeldBy>> FindAsync(Guid agency, int most, CancellationToken cancellationToken);
}
