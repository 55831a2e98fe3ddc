using Kashif.Http;

namespace Kashif.Reporting.Lists;

internal static class ListEndpoints
{
    /// <summary>How old a cached list may be.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(2);

    public static void MapLists(this IEndpointRouteBuilder endpoints)
    {
        var reports = endpoints.MapGroup("/api/v1/reports").WithTags("Reports").RequireAuthorization();
        reports.MapGet("/", ListReports.HandleAsync).DisableValidation().AllowAnonymous().WithPublicCache(Lifetime)
            .WithName("ListReports").WithSummary("List reports by category, status, place, time and words");
        reports.MapGet("/my-reports", ListReports.HandleMineAsync)
            .WithName("ListMyReports").WithSummary("List my reports, newest first");
    }
}
