namespace Kashif.Messaging.Events;

/// <param name="Private">Only its owner and staff may see it: it is announced to no one else.</param>
/// <param name="Anonymous">The public may not learn who reported it.</param>
public sealed record ReportCreated(
    Guid ReportId, Guid UserId, string Title, string Category, double Latitude, double Longitude, bool Private = false, bool Anonymous = false) : IUserEvent
{
    public static string Type => "report.created";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <param name="UserId">Whose report it is; the empty id where the person has deleted their account.</param>
/// <param name="From">The status left, by its wire name.</param>
/// <param name="To">The status reached, by its wire name.</param>
/// <param name="Version">1 for the report as created, one more at each change: orders the changes of one report.</param>
/// <param name="Category">The report's category; null from a publisher of a former version, like the coordinates.</param>
public sealed record ReportStatusUpdated(
    Guid ReportId, Guid UserId, string Title, string From, string To, string? Comment, Guid ChangedBy, int Version,
    string? Category = null, double? Latitude = null, double? Longitude = null) : IUserEvent
{
    public static string Type => "report.status_updated";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>An open report has passed the date by which its category promises to resolve it. Once a report.</summary>
/// <param name="UserId">Whose report it is; the empty id where the person has deleted their account.</param>
/// <param name="DueAt">When it was due.</param>
public sealed record ReportOverdue(Guid ReportId, Guid UserId, string Title, string Category, DateTimeOffset DueAt) : IUserEvent
{
    public static string Type => "report.overdue";
    string IIntegrationEvent.Subject => ReportId.ToString();
}
