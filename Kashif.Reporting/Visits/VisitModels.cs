using Kashif.Http;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Kashif.Reporting.WorkOrders;
using Kashif.Validation;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Reporting.Visits;

/// <summary>A time to choose from.</summary>
/// <param name="StartsAt" example="2026-12-08T08:00:00Z">When the visit would begin.</param>
/// <param name="EndsAt" example="2026-12-08T10:00:00Z">When it would end.</param>
public sealed record VisitSlot(DateTimeOffset StartsAt, DateTimeOffset EndsAt);

/// <summary>A new visit.</summary>
/// <param name="WorkOrderId">The work order, which is open.</param>
/// <param name="StartsAt" example="2026-12-07T08:00:00Z">When it begins.</param>
/// <param name="EndsAt" example="2026-12-07T10:00:00Z">When it ends; the next visit may begin then.</param>
/// <param name="CrewId" example="null">The crew; null for the work order's.</param>
/// <param name="VehicleId" example="null">The vehicle; null for the work order's.</param>
/// <param name="ReportId" example="null">For an appointment: the report of the work order whose reporter is to be there. Null for a visit without one.</param>
/// <param name="Confirmed" example="null">Whether the slot is certain; null: yes without an appointment, no with one, which its reporter confirms.</param>
/// <param name="Note" example="The key is at the baker's.">For the crew; the reporter does not see it.</param>
/// <param name="Alternatives" example="[]">Other slots that the reporter of an appointment can choose.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateVisitRequest(
    Guid WorkOrderId,
    DateTimeOffset StartsAt,
    DateTimeOffset EndsAt,
    Guid? CrewId = null,
    Guid? VehicleId = null,
    Guid? ReportId = null,
    bool? Confirmed = null,
    [property: Text(0, Visit.NoteMax)] string? Note = null,
    IReadOnlyList<VisitSlot>? Alternatives = null);

/// <summary>A change of a visit. Fields that are left out do not change. For another slot, move it.</summary>
/// <param name="CrewId" example="null">The crew; null for none.</param>
/// <param name="VehicleId" example="null">The vehicle; null for none.</param>
/// <param name="Note" example="The key is at the baker's.">For the crew; null for none.</param>
/// <param name="Alternatives" example="[]">The slots that the reporter can choose from now on.</param>
/// <param name="State" example="cancelled">Closes the visit: <c>cancelled</c>, or <c>missed</c> if the crew or the reporter was not there.</param>
public sealed record ChangeVisitRequest(
    Guid? CrewId = null,
    Guid? VehicleId = null,
    [property: Text(0, Visit.NoteMax)] string? Note = null,
    IReadOnlyList<VisitSlot>? Alternatives = null,
    VisitState? State = null);

/// <summary>Another slot of a visit.</summary>
/// <param name="StartsAt" example="2026-12-08T08:00:00Z">When it begins.</param>
/// <param name="EndsAt" example="2026-12-08T10:00:00Z">When it ends.</param>
public sealed record MoveVisitRequest(DateTimeOffset StartsAt, DateTimeOffset EndsAt);

/// <summary>The slot that is confirmed, as the caller has read it.</summary>
/// <param name="StartsAt" example="2026-12-07T08:00:00Z">When the visit begins.</param>
/// <param name="EndsAt" example="2026-12-07T10:00:00Z">When it ends.</param>
public sealed record ConfirmVisitRequest(DateTimeOffset StartsAt, DateTimeOffset EndsAt);

/// <summary>How a visit ended.</summary>
/// <param name="Outcome" example="resolved">Whether the problem is fixed.</param>
/// <param name="Comment" example="The hole is filled.">A text for the reporters and the history.</param>
public sealed record CompleteVisitRequest(
    WorkOutcome Outcome = WorkOutcome.Resolved,
    [property: Text(0, StatusChange.CommentMax)] string? Comment = null);

/// <summary>A visit of a crew or a vehicle.</summary>
/// <param name="Id">The visit's id.</param>
/// <param name="WorkOrderId">Its work order; null for the reporter.</param>
/// <param name="ReportId" example="null">The report whose reporter is to be there; null for none.</param>
/// <param name="CrewId" example="null">The crew; null for none, and for the reporter.</param>
/// <param name="VehicleId" example="null">The vehicle; null for none, and for the reporter.</param>
/// <param name="StartsAt" example="2026-12-07T08:00:00Z">When it begins.</param>
/// <param name="EndsAt" example="2026-12-07T10:00:00Z">When it ends.</param>
/// <param name="State" example="confirmed">Its state. It holds its slot while it is proposed or confirmed.</param>
/// <param name="Outcome" example="null">How it ended; null before.</param>
/// <param name="Note" example="null">For the crew; null for none, and for the reporter.</param>
/// <param name="Alternatives">The slots that the reporter can choose instead.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was changed last.</param>
/// <param name="Version" example="1">Incremented at each change: the `ETag`.</param>
internal sealed record VisitResponse(
    Guid Id, Guid? WorkOrderId, Guid? ReportId, Guid? CrewId, Guid? VehicleId, DateTimeOffset StartsAt, DateTimeOffset EndsAt, VisitState State, WorkOutcome? Outcome,
    string? Note, IReadOnlyList<VisitSlot> Alternatives, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version)
{
    public static VisitResponse Of(Visit visit) => new(
        visit.Id, visit.WorkOrderId, visit.ReportId, visit.CrewId, visit.VehicleId, visit.StartsAt, visit.EndsAt, visit.State, visit.Outcome, visit.Note,
        [.. visit.Alternatives.Select(slot => new VisitSlot(slot.StartsAt, slot.EndsAt))], visit.CreatedAt, visit.UpdatedAt, visit.Version);

    /// <summary>Without the fields for staff.</summary>
    public static VisitResponse ForReporter(Visit visit) => Of(visit) with { WorkOrderId = null, CrewId = null, VehicleId = null, Note = null };
}

/// <summary>Filters of a list of visits.</summary>
public sealed class VisitQuery
{
    /// <summary>Words that all occur in the title of the work order or of one of its reports, in upper or lower case.</summary>
    /// <example>pothole</example>
    [FromQuery(Name = "q"), Text(RegisterFilter.QueryMax)]
    public string? Query { get; set; }

    /// <summary>Only visits of this crew.</summary>
    [FromQuery(Name = "crew")]
    public Guid? Crew { get; set; }

    /// <summary>Only visits with this vehicle.</summary>
    [FromQuery(Name = "vehicle")]
    public Guid? Vehicle { get; set; }

    /// <summary>Only visits of this work order.</summary>
    [FromQuery(Name = "work_order")]
    public Guid? WorkOrder { get; set; }

    /// <summary>Only appointments with the reporter of this report.</summary>
    [FromQuery(Name = "report")]
    public Guid? Report { get; set; }

    /// <summary>Only visits of work orders of this agency.</summary>
    [FromQuery(Name = "agency")]
    public Guid? Agency { get; set; }

    /// <summary>Only visits with this state.</summary>
    /// <example>confirmed</example>
    [FromQuery(Name = "state"), Values(typeof(VisitState))]
    public string? State { get; set; }

    /// <summary>Only visits that end after this time.</summary>
    [FromQuery(Name = "from")]
    public DateTimeOffset? From { get; set; }

    /// <summary>Only visits that begin before this time.</summary>
    [FromQuery(Name = "to")]
    public DateTimeOffset? To { get; set; }
}
