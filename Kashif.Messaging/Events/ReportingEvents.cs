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

/// <summary>An open report has passed the time by which its reporter was promised its resolution. Once a report.</summary>
/// <param name="UserId">Whose report it is; the empty id where the person has deleted their account.</param>
/// <param name="DueAt">The promised time.</param>
public sealed record ReportOverdue(Guid ReportId, Guid UserId, string Title, string Category, DateTimeOffset DueAt) : IUserEvent
{
    public static string Type => "report.overdue";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A report's texts, category or visibility have changed.</summary>
/// <param name="UserId">Whose report it is; the empty id where the person has deleted their account.</param>
/// <param name="FormerCategory">The category before; null if it has not changed.</param>
/// <param name="Private">Only its owner and staff may see it: it is announced to no one else.</param>
/// <param name="Hidden">The same by staff's decision.</param>
/// <param name="Anonymous">The public may not learn who reported it.</param>
/// <param name="Fields">What has changed: <c>title</c>, <c>description</c>, <c>category</c>, <c>anonymous</c>, <c>private</c>, <c>hidden</c>, <c>answers</c>.</param>
/// <param name="Version">As in <see cref="ReportStatusUpdated"/>.</param>
public sealed record ReportUpdated(
    Guid ReportId, Guid UserId, string Title, string Category, string? FormerCategory, double Latitude, double Longitude,
    bool Private, bool Hidden, bool Anonymous, IReadOnlyList<string> Fields, Guid ChangedBy, int Version) : IUserEvent
{
    public static string Type => "report.updated";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A report is gone, with all that hung on it.</summary>
/// <param name="UserId">Whose report it was; the empty id where the person has deleted their account.</param>
/// <param name="Reason">What the one who deleted it wrote; null if nothing.</param>
/// <param name="Version">One more than the report's last version.</param>
/// <param name="AgencyId">The agency that was responsible for it; null for none, and from a publisher of a former version.</param>
public sealed record ReportDeleted(Guid ReportId, Guid UserId, Guid DeletedBy, string? Reason, int Version, Guid? AgencyId = null) : IUserEvent
{
    public static string Type => "report.deleted";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A report was given to an employee, or taken from one.</summary>
/// <param name="EmployeeId">The employee who works on it now; null for none.</param>
/// <param name="AssignedBy">Who did it; the empty id if no user did.</param>
/// <param name="Version">As in <see cref="ReportStatusUpdated"/>.</param>
public sealed record ReportAssigned(Guid ReportId, Guid? EmployeeId, string Title, string Category, Guid AssignedBy, int Version) : IIntegrationEvent
{
    public static string Type => "report.assigned";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A report has become a duplicate of another. Its <see cref="ReportStatusUpdated"/> has the same version.</summary>
/// <param name="UserId">Whose report the duplicate is; the empty id where the person has deleted their account.</param>
/// <param name="OriginalUserId">Whose report the original is; likewise.</param>
/// <param name="Version">The duplicate's version, as in <see cref="ReportStatusUpdated"/>.</param>
public sealed record ReportMerged(Guid ReportId, Guid OriginalId, Guid UserId, Guid OriginalUserId, int Version) : IUserEvent
{
    public static string Type => "report.merged";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>Another agency is responsible for a report: by areas, by staff, or by its category, whose <see cref="ReportUpdated"/> has the same version.</summary>
/// <param name="UserId">Whose report it is; the empty id where the person has deleted their account.</param>
/// <param name="AgencyId">The new agency; null for none.</param>
/// <param name="FormerAgencyId">The agency before; null for none.</param>
/// <param name="Version">As in <see cref="ReportStatusUpdated"/>.</param>
public sealed record ReportRouted(Guid ReportId, Guid UserId, Guid? AgencyId, Guid? FormerAgencyId, Guid RoutedBy, int Version) : IUserEvent
{
    public static string Type => "report.routed";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A user has voted "me too" for a report, or has withdrawn the vote.</summary>
/// <param name="UserId">The voter.</param>
/// <param name="ReporterId">Whose report it is; the empty id where the person has deleted their account. Not for the public: the report may be anonymous.</param>
/// <param name="Withdrawn">Whether the vote is gone.</param>
/// <param name="Version">Orders the votes of one report.</param>
public sealed record ReportVoted(
    Guid ReportId, Guid UserId, Guid ReporterId, string Category, double Latitude, double Longitude, bool Withdrawn, int Version) : IUserEvent
{
    public static string Type => "report.voted";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A comment was added to a report. Without its text, which its author can change and delete.</summary>
/// <param name="UserId">The author. Not for the public if it is the reporter of an anonymous report.</param>
/// <param name="ReporterId">Whose report it is; the empty id where the person has deleted their account.</param>
/// <param name="ByStaff">Whether the city commented.</param>
/// <param name="Public">Whether everyone sees the report.</param>
/// <param name="Anonymous">The public may not learn who reported it.</param>
public sealed record ReportCommented(
    Guid ReportId, Guid CommentId, Guid UserId, Guid ReporterId, string Title, string Category, bool ByStaff, bool Public, bool Anonymous) : IUserEvent
{
    public static string Type => "report.commented";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>The reporter of a resolved report is asked whether it is fixed. Once a report.</summary>
/// <param name="Title">The report's title.</param>
/// <param name="AnswerUntil">Until when the reporter can answer.</param>
public sealed record SurveyRequested(Guid ReportId, Guid UserId, Guid SurveyId, string Title, DateTimeOffset AnswerUntil) : IUserEvent
{
    public static string Type => "survey.requested";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>The reporter has answered. Once a report. Without the answers.</summary>
/// <param name="Version">The report's version then.</param>
public sealed record SurveyAnswered(Guid ReportId, Guid UserId, Guid SurveyId, string Category, double Latitude, double Longitude, int Version) : IUserEvent
{
    public static string Type => "survey.answered";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A change of a report, for some of its followers. Between the services only: it says who follows what.</summary>
/// <param name="CauseId">The event of the change: a user is told once of each.</param>
/// <param name="UserIds">The followers to tell.</param>
/// <param name="Status">The new status; null for a comment.</param>
/// <param name="Comment">What staff wrote about the new status.</param>
/// <param name="CommentId">The new comment; null for a status.</param>
/// <param name="ByStaff">Whether the city commented.</param>
public sealed record ReportFollowerNotice(
    Guid ReportId, Guid CauseId, IReadOnlyList<Guid> UserIds, string Title, string? Status, string? Comment, Guid? CommentId, bool ByStaff) : IIntegrationEvent
{
    public static string Type => "report.follower_notice";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A new or resolved report in an area, for some of the area's followers. Between the services only: it says who follows what.</summary>
/// <param name="CauseId">The id of the report's event. A user who follows the report and its area, or two areas, gets one notification for it.</param>
/// <param name="AreaName">The area's name in English.</param>
/// <param name="AreaNameAr">The area's name in Arabic.</param>
/// <param name="UserIds">The followers to tell.</param>
/// <param name="Resolved">Whether the report is resolved. If not, it is new.</param>
/// <param name="Comment">What staff wrote about a resolved one.</param>
public sealed record AreaFollowerNotice(
    Guid ReportId, Guid CauseId, Guid AreaId, string AreaName, string AreaNameAr, IReadOnlyList<Guid> UserIds, string Title, bool Resolved, string? Comment) : IIntegrationEvent
{
    public static string Type => "area.follower_notice";
    string IIntegrationEvent.Subject => ReportId.ToString();
}

/// <summary>A visit of a crew or a vehicle is planned.</summary>
/// <param name="ReportId">The report whose reporter is to be there; null for a visit without an appointment.</param>
/// <param name="UserId">Whose report it is; the empty id without an appointment, and where the person has deleted their account.</param>
/// <param name="Title">The report's title, or the work order's without an appointment.</param>
/// <param name="TimeZone">The city's time zone, by its IANA name.</param>
/// <param name="Confirmed">Whether the slot is certain. If not, the reporter is asked to confirm it.</param>
/// <param name="Version">1 for the visit as created, one more at each change: orders the events of one visit.</param>
public sealed record VisitScheduled(
    Guid VisitId, Guid WorkOrderId, Guid? ReportId, Guid UserId, string Title, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string TimeZone, bool Confirmed,
    Guid ChangedBy, int Version) : IUserEvent
{
    public static string Type => "visit.scheduled";
    string IIntegrationEvent.Subject => VisitId.ToString();
}

/// <summary>A visit has another slot.</summary>
/// <inheritdoc cref="VisitScheduled" path="/param"/>
public sealed record VisitMoved(
    Guid VisitId, Guid WorkOrderId, Guid? ReportId, Guid UserId, string Title, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string TimeZone, bool Confirmed,
    Guid ChangedBy, int Version) : IUserEvent
{
    public static string Type => "visit.moved";
    string IIntegrationEvent.Subject => VisitId.ToString();
}

/// <summary>The crew has been there.</summary>
/// <param name="Resolved">Whether the problem is fixed.</param>
/// <param name="Comment">What the crew wrote for the reporter; null if nothing.</param>
/// <inheritdoc cref="VisitScheduled" path="/param"/>
public sealed record VisitCompleted(
    Guid VisitId, Guid WorkOrderId, Guid? ReportId, Guid UserId, string Title, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string TimeZone, bool Resolved,
    string? Comment, Guid ChangedBy, int Version) : IUserEvent
{
    public static string Type => "visit.completed";
    string IIntegrationEvent.Subject => VisitId.ToString();
}

/// <summary>A visit will not take place.</summary>
/// <inheritdoc cref="VisitScheduled" path="/param"/>
public sealed record VisitCancelled(
    Guid VisitId, Guid WorkOrderId, Guid? ReportId, Guid UserId, string Title, DateTimeOffset StartsAt, DateTimeOffset EndsAt, string TimeZone,
    Guid ChangedBy, int Version) : IUserEvent
{
    public static string Type => "visit.cancelled";
    string IIntegrationEvent.Subject => VisitId.ToString();
}
