using Kashif.Http;

namespace Kashif.Coupons.Catalog;

/// <summary>A coupon and the name of its company.</summary>
internal sealed record CouponWithCompany
{
    public required Coupon Coupon { get; init; }
    public required string CompanyName { get; init; }
}

/// <summary>An order of the list of coupons, with its cursors. The newer of two equal coupons comes first.</summary>
internal abstract class CouponOrder
{
    public static CouponOrder Of(string? sort) => sort switch
    {
        "cheapest" => new Cheapest(),
        "ending" => new Ending(),
        _ => new Newest(),
    };

    /// <summary>Limits the coupons to those after the cursor, if there is one.</summary>
    /// <returns>False for a cursor that is invalid, or of another order.</returns>
    public abstract bool TryContinue(IQueryable<Coupon> coupons, string? cursor, out IQueryable<Coupon> rest);

    public abstract IQueryable<CouponWithCompany> Sort(IQueryable<CouponWithCompany> rows);

    public abstract string CursorOf(Coupon last);

    private sealed class Newest : CouponOrder
    {
        public override bool TryContinue(IQueryable<Coupon> coupons, string? cursor, out IQueryable<Coupon> rest)
        {
            var before = int.MaxValue;
            var valid = cursor is null || Cursor.TryDecode(cursor, out before);
            rest = coupons.Where(coupon => coupon.Id < before);
            return valid;
        }

        public override IQueryable<CouponWithCompany> Sort(IQueryable<CouponWithCompany> rows) => rows.OrderByDescending(row => row.Coupon.Id);

        public override string CursorOf(Coupon last) => Cursor.Encode(last.Id);
    }

    private sealed class Cheapest : CouponOrder
    {
        public override bool TryContinue(IQueryable<Coupon> coupons, string? cursor, out IQueryable<Coupon> rest)
        {
            var (cost, id) = (0, 0);
            var valid = cursor is null || Cursor.TryDecode(cursor, out cost, out id);
            rest = coupons.Where(coupon => coupon.PointsCost > cost || (coupon.PointsCost == cost && coupon.Id < id));
            return valid;
        }

        public override IQueryable<CouponWithCompany> Sort(IQueryable<CouponWithCompany> rows) =>
            rows.OrderBy(row => row.Coupon.PointsCost).ThenByDescending(row => row.Coupon.Id);

        public override string CursorOf(Coupon last) => Cursor.Encode(last.PointsCost, last.Id);
    }

    /// <summary>Coupons that never end come last.</summary>
    private sealed class Ending : CouponOrder
    {
        private static readonly DateTimeOffset Never = new(9999, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override bool TryContinue(IQueryable<Coupon> coupons, string? cursor, out IQueryable<Coupon> rest)
        {
            var (end, id) = (DateTimeOffset.UnixEpoch, 0);
            var valid = cursor is null || Cursor.TryDecode(cursor, out end, out id);
            end = end.ToUniversalTime(); // a forged one may have an offset
            rest = coupons.Where(coupon => (coupon.EndsAt ?? Never) > end || ((coupon.EndsAt ?? Never) == end && coupon.Id < id));
            return valid;
        }

        public override IQueryable<CouponWithCompany> Sort(IQueryable<CouponWithCompany> rows) =>
            rows.OrderBy(row => row.Coupon.EndsAt ?? Never).ThenByDescending(row => row.Coupon.Id);

        public override string CursorOf(Coupon last) => Cursor.Encode(last.EndsAt ?? Never, last.Id);
    }
}
