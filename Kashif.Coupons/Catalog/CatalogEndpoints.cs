using Kashif.Http;
using Kashif.Security;

namespace Kashif.Coupons.Catalog;

internal static class CatalogEndpoints
{
    public const string Path = "/api/v1/coupons";

    /// <summary>How stale a public read may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    public static IEndpointRouteBuilder MapCatalog(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("Catalogue").RequireAuthorization(Policies.Admin);

        group.MapGet("/", CouponEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListCoupons").WithSummary("The coupons on offer now, newest first.");
        group.MapGet("/{id:int}", CouponEndpoints.GetAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("GetCoupon").WithSummary("One coupon.");
        group.MapPost("/", CouponEndpoints.CreateAsync).WithIdempotency()
            .WithName("CreateCoupon").WithSummary("Offers a coupon.");

        group.MapGet("/companies", CompanyEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListCompanies").WithSummary("The companies that offer coupons.");
        group.MapPost("/companies", CompanyEndpoints.CreateAsync).WithIdempotency()
            .WithName("CreateCompany").WithSummary("Adds a company.");

        group.MapGet("/categories", CategoryEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListCategories").WithSummary("The categories of coupons.");
        group.MapPost("/categories", CategoryEndpoints.CreateAsync).WithIdempotency()
            .WithName("CreateCategory").WithSummary("Adds a category.");
        return group;
    }
}
