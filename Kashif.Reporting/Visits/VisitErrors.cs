using Kashif.Http;

namespace Kashif.Reporting.Visits;

internal static class VisitErrors
{
    public static Error NotFound { get; } = Error.NotFound("Visit not found.");

    public static Error Stale { get; } = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The visit's version does not match If-Match. Read the visit again.");

    public static Error OrderClosed { get; } = Error.Rule("work_order_closed", "The work order is completed or cancelled. Reopen it first.");

    public static Error Closed { get; } = Error.Rule("visit_closed", "The visit is completed, cancelled or missed.");

    public static Error Begun { get; } = Error.Rule("visit_begun", "The visit has begun. Only staff can change it now.");

    public static Error NotOffered { get; } = Error.Rule("slot_not_offered", "Choose one of the visit's alternatives that is still to come.");

    public static Error Moved { get; } = Error.Conflict("visit_moved", "The visit has another slot by now. Read the visit again.");

    public static Error InUse { get; } = Error.Conflict("visit_completed", "A completed visit is kept.");
}
