using System.ComponentModel.DataAnnotations;
using Kashif.Messaging;
using Kashif.Validation;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Catalog;

public sealed class CouponFilter
{
    /// <summary>Only coupons of this category.</summary>
    /// <example>3</example>
    [FromQuery(Name = "category_id")]
    public int? CategoryId { get; set; }

    /// <summary>Only coupons of this company.</summary>
    /// <example>7</example>
    [FromQuery(Name = "company_id")]
    public int? CompanyId { get; set; }

    /// <summary>Words that all occur in the title or the description, in upper or lower case.</summary>
    /// <example>coffee</example>
    [FromQuery(Name = "q"), Text(100)]
    public string? Query { get; set; }

    /// <summary>Only coupons that the signed-in user has enough points for. True requires a token.</summary>
    [FromQuery(Name = "affordable")]
    public bool? Affordable { get; set; }

    /// <summary>Only coupons whose offer ends within so many days.</summary>
    /// <example>7</example>
    [FromQuery(Name = "expiring_within_days"), Between(1, 365)]
    public int? ExpiringWithinDays { get; set; }

    /// <summary>Only coupons that cost at least so many points.</summary>
    /// <example>10</example>
    [FromQuery(Name = "min_cost"), Between(0, Coupon.MaxPointsCost)]
    public int? MinCost { get; set; }

    /// <summary>Only coupons that cost at most so many points.</summary>
    /// <example>50</example>
    [FromQuery(Name = "max_cost"), Between(0, Coupon.MaxPointsCost)]
    public int? MaxCost { get; set; }

    /// <summary>The order: <c>newest</c> first (the default), <c>cheapest</c> first, or <c>ending</c> soonest first. A cursor is valid for its order only.</summary>
    [FromQuery(Name = "sort"), RegularExpression("newest|cheapest|ending", ErrorMessage = "Must be newest, cheapest or ending.")]
    public string? Sort { get; set; }

    /// <summary>The coupons on offer that match. Not <see cref="Affordable"/>, which needs the caller's points.</summary>
    internal IQueryable<Coupon> Apply(IQueryable<Coupon> coupons, DateTimeOffset now)
    {
        var endsBefore = now.AddDays(ExpiringWithinDays ?? 0);
        coupons = coupons.Where(coupon => coupon.StartsAt <= now && (coupon.EndsAt == null || coupon.EndsAt > now)
            && (CategoryId == null || coupon.CategoryId == CategoryId)
            && (CompanyId == null || coupon.CompanyId == CompanyId)
            && (ExpiringWithinDays == null || coupon.EndsAt <= endsBefore)
            && (MinCost == null || coupon.PointsCost >= MinCost)
            && (MaxCost == null || coupon.PointsCost <= MaxCost));
        foreach (var pattern in SearchWords.Patterns(Query))
        {
            coupons = coupons.Where(coupon => EF.Functions.ILike(coupon.Title, pattern, @"\") || EF.Functions.ILike(coupon.Description, pattern, @"\"));
        }

        return coupons;
    }
}
