using Kashif.Auth.Users;
using System.Security.Claims;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.Export;

/// <summary>Auth's part of an export. The gateway adds the parts of the other services.</summary>
/// <param name="ExportedAt">When the data was read.</param>
/// <param name="Account">The data of Auth.</param>
internal sealed record ExportResponse(DateTimeOffset ExportedAt, AccountExport Account);

internal static class ExportEndpoint
{
    public static void MapExport(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/me/export", ExportAsync)
        .RequireAuthorization(Policies.Session).WithTags("Accounts")
        .WithProblems(404, "not_found").WithProblems(503, "export_unavailable")
        .WithName("ExportMe").WithSummary("Export my data from all services")
        .WithDescription(
            $"Auth itself answers with `exported_at` and `account`. Through the gateway the document also has a member for each other service "
            + $"({string.Join(", ", ResourceNames.UserDataServices.Select(service => $"`{service}`"))}) with its data. "
            + "If a service is unavailable, the answer is 503 `export_unavailable`.");

    private static async Task<Results<Ok<ExportResponse>, ProblemHttpResult>> ExportAsync(
        ClaimsPrincipal caller, AuthDbContext database, AuditLog audit, TimeProvider time, HttpResponse response, CancellationToken cancellationToken)
    {
        var userId = caller.UserId;
        if (await AccountExport.ReadAsync(userId, database, cancellationToken) is not { } account)
        {
            return AccountProblems.Gone.ToProblem();
        }

        audit.Record(userId, AuditActions.Exported);
        await database.SaveChangesAsync(cancellationToken);

        response.Headers.CacheControl = "no-store";
        response.Headers.ContentDisposition = "attachment; filename=\"kashif-export.json\"";
        return TypedResults.Ok(new ExportResponse(time.GetUtcNow(), account));
    }
}
