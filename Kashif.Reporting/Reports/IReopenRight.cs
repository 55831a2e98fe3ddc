namespace Kashif.Reporting.Reports;

/// <summary>Says who else, besides the reporter and staff, may reopen a resolved report. A feature registers one for its own users, such as voters.</summary>
internal interface IReopenRight
{
    Task<bool> MayReopenAsync(Guid userId, Guid reportId, CancellationToken cancellationToken);
}
