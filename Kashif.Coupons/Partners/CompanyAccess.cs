using System.Security.Claims;
using Kashif.Coupons.Data;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Partners;

/// <summary>
/// Which companies a caller of a route with <see cref="Policies.Partner"/> may manage: an admin all, a partner those that list the
/// user. Answer 404 for another company's data.
/// </summary>
internal sealed class CompanyAccess(CouponsDbContext database)
{
    public Task<bool> MayManageAsync(ClaimsPrincipal user, int companyId, CancellationToken cancellationToken) =>
        Managed(user).ContainsAsync(companyId, cancellationToken);

    public Task<bool> MayManageCouponAsync(ClaimsPrincipal user, int couponId, CancellationToken cancellationToken)
    {
        var managed = Managed(user);
        return database.Coupons.AnyAsync(coupon => coupon.Id == couponId && managed.Contains(coupon.CompanyId), cancellationToken);
    }

    /// <summary>The ids of the companies, for <c>Where(row => managed.Contains(row.CompanyId))</c>.</summary>
    public IQueryable<int> Managed(ClaimsPrincipal user)
    {
        if (user.IsInRole(Roles.Admin))
        {
            return database.Companies.Select(company => company.Id);
        }

        var userId = user.UserId;
        return database.CompanyPartners.Where(partner => partner.UserId == userId).Select(partner => partner.CompanyId);
    }
}
