using System.Linq.Expressions;
using System.Security.Claims;
using Kashif.Security;

namespace Kashif.Reporting.Reports;

/// <summary>What a reader may see of a report.</summary>
internal enum View
{
    /// <summary>Nothing, not even that it exists.</summary>
    None,

    /// <summary>What everyone sees: not who reported it, if it is anonymous.</summary>
    Public,

    /// <summary>Everything: for its owner and for the staff who work on it (<see cref="StaffScope"/>).</summary>
    Full,
}

/// <summary>The one rule of who sees a report. Every public surface (lists, maps, exports, feeds) reads through <see cref="Public"/> or <see cref="PublicSql"/>.</summary>
internal static class ReportVisibility
{
    /// <summary>The same as <see cref="IsPublic"/> in SQL.</summary>
    public const string PublicSql = "NOT (private OR hidden)";

    public static Expression<Func<Report, bool>> IsPublic { get; } = report => !(report.Private || report.Hidden);

    /// <summary>Only reports that everyone may see.</summary>
    public static IQueryable<Report> Public(this IQueryable<Report> reports) => reports.Where(IsPublic);

    /// <param name="user">The caller; may be anonymous.</param>
    public static View ViewOf(this ClaimsPrincipal user, Report report) =>
        user.WorksOn(report) || user.UserIdOrNull == report.UserId ? View.Full
        : report.Private || report.Hidden ? View.None
        : View.Public;

    /// <summary>Whether the view has more than the public's: no shared cache may keep it.</summary>
    public static bool IsPersonal(this View view, Report report) => view is View.Full && (report.Anonymous || report.Private || report.Hidden);
}
