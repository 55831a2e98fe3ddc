using Kashif.Coupons.Catalog;
using Kashif.Coupons.Data;
using Kashif.Coupons.Redemptions;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Reports;

/// <summary>A company's redemptions.</summary>
/// <param name="CompanyId" example="3">The company's id.</param>
/// <param name="Company" example="Corner Bakery">The company's name.</param>
/// <param name="Redemptions" example="12">Redemptions that are completed.</param>
/// <param name="PointsSpent" example="600">The points that these cost.</param>
/// <param name="Open" example="0">Redemptions whose points are not debited yet, or not given back yet.</param>
/// <param name="Cancelled" example="1">Redemptions that cost nothing in the end.</param>
internal sealed record CompanyRedemptions(int CompanyId, string Company, long Redemptions, long PointsSpent, long Open, long Cancelled);

/// <summary>The redemptions of a day.</summary>
/// <param name="Date" example="2026-11-28">The day on which they were made, in UTC.</param>
/// <param name="Redemptions" example="31">Redemptions that are completed.</param>
/// <param name="PointsSpent" example="1550">The points that these cost.</param>
/// <param name="PerCompany">The redemptions by company, in the order of their ids; companies without any are left out.</param>
internal sealed record DailyRedemptionsResponse(DateOnly Date, long Redemptions, long PointsSpent, IReadOnlyList<CompanyRedemptions> PerCompany);

internal static class DailyRedemptions
{
    public static void MapDailyRedemptions(this IEndpointRouteBuilder endpoints) => endpoints
        .MapGet(CatalogEndpoints.Path + "/reports/daily", GetAsync).WithTags("Daily reports").RequireAuthorization(Policies.Admin)
        .WithName("GetDailyRedemptions").WithSummary("Get the redemptions of a day by company");

    /// <param name="date" example="2026-11-28">The day, in UTC. Without it: today.</param>
    private static async Task<Results<Ok<DailyRedemptionsResponse>, ValidationProblem>> GetAsync(
        [FromQuery(Name = "date")] DateOnly? date, CouponsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var day = date ?? today;
        if (day > today)
        {
            return Error.Field("date", "Must not be in the future.");
        }

        // The ids are in the order of time, so the primary key finds the day. There are none before 1970.
        var start = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        var end = start.AddDays(1);
        var (first, last) = (TimeOrderedId.Before(start), TimeOrderedId.Before(end.AddMilliseconds(2)));
        var companies = await (
            from redemption in database.Redemptions
            where redemption.Id > first && redemption.Id < last && redemption.CreatedAt >= start && redemption.CreatedAt < end
            join coupon in database.Coupons on redemption.CouponId equals coupon.Id
            join company in database.Companies on coupon.CompanyId equals company.Id
            group redemption by new { company.Id, company.Name } into made
            orderby made.Key.Id
            select new CompanyRedemptions(
                made.Key.Id,
                made.Key.Name,
                made.LongCount(row => row.Status == RedemptionStatus.Completed),
                made.Sum(row => row.Status == RedemptionStatus.Completed ? (long)row.PointsCost : 0),
                made.LongCount(row => row.EndedAt == null),
                made.LongCount(row => row.Status == RedemptionStatus.Cancelled))).ToListAsync(cancellationToken);
        return TypedResults.Ok(new DailyRedemptionsResponse(day, companies.Sum(company => company.Redemptions), companies.Sum(company => company.PointsSpent), companies));
    }
}
