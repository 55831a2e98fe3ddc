using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;

namespace Kashif.Coupons.Catalog;

internal static class CatalogEndpoints
{
    public const string Path = "/api/v1/coupons";

    /// <summary>How old a cached public response may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    public static IEndpointRouteBuilder MapCatalog(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("Catalogue").RequireAuthorization(Policies.Admin);

        group.MapGet("/", CouponEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListCoupons").WithSummary("List coupons on offer")
            .WithProblems(401, "unauthorized").WithProblems(503, "points_unavailable");
        group.MapGet("/{id:int}", CouponEndpoints.GetAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("GetCoupon").WithSummary("Get a coupon");

        group.MapGet("/companies", CompanyEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListCompanies").WithSummary("List companies");
        group.MapPost("/companies", CompanyEndpoints.CreateAsync).WithIdempotency()
            .WithName("CreateCompany").WithSummary("Create a company").WithProblems(409, "name_taken");

        group.MapGet("/categories", CategoryEndpoints.ListAsync).AllowAnonymous().WithPublicCache(MaxAge)
            .WithName("ListCouponCategories").WithSummary("List coupon categories");
        group.MapPost("/categories", CategoryEndpoints.CreateAsync).WithIdempotency()
            .WithName("CreateCouponCategory").WithSummary("Create a coupon category").WithProblems(409, "name_taken");
        return group;
    }
}
