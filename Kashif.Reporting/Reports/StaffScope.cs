using System.Security.Claims;
using Kashif.Security;

namespace Kashif.Reporting.Reports;

/// <summary>
/// The one rule of which reports a member of staff works on. An agency's employees work on the reports that are routed to it. Moderators, admins and staff
/// without an agency work on all reports. For other reports they are the public.
/// </summary>
internal static class StaffScope
{
    /// <summary>The claim of an employee of an agency, with its id; the empty id for an employee who has left.</summary>
    public const string AgencyClaim = "agency";

    extension(ClaimsPrincipal user)
    {
        /// <summary>The agency whose reports alone the caller works on; null for all reports, or for a caller who is not staff.</summary>
        public Guid? AgencyIdOrNull => user.IsModerator ? null : Guid.TryParse(user.FindFirst(AgencyClaim)?.Value, out var id) ? id : null;

        /// <summary>Whether the caller is staff, and the report is theirs to work on.</summary>
        public bool WorksOn(Report report) => user.IsStaff && (user.AgencyIdOrNull is not { } agency || agency == report.AgencyId);
    }

    /// <summary>Only the reports that a member of staff works on.</summary>
    public static IQueryable<Report> WorkOf(this IQueryable<Report> reports, ClaimsPrincipal staff) =>
        staff.AgencyIdOrNull is { } agency ? reports.Where(report => report.AgencyId == agency) : reports;
}
