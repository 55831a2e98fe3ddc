using System.Security.Claims;
using Kashif.Coupons.Partners;
using Kashif.Security;

namespace Kashif.Coupons.Shop;

/// <summary>Who may manage a product: an admin, and a partner of its company. The city's own products have no company.</summary>
internal static class ShopAccess
{
    extension(CompanyAccess access)
    {
        public async Task<bool> MayManageProductAsync(ClaimsPrincipal user, int? companyId, CancellationToken cancellationToken) =>
            user.IsInRole(Roles.Admin) || (companyId is { } id && await access.MayManageAsync(user, id, cancellationToken));
    }
}
