using Kashif.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Kashif.Http;

/// <summary>What a service holds about a person, for the gateway to hand to them.</summary>
public static class UserExport
{
    /// <summary>
    /// Maps <c>/internal/v1/users/{id}/export</c>, for services only: a JSON object with everything that is the person's and no
    /// secret, read row by row. Who has nothing here gets an object of empty lists.
    /// </summary>
    /// <remarks>
    /// Each list ends with a <c>Select</c> after <c>AsAsyncEnumerable</c>: that closes its reader at its end. The serializer would
    /// only at its next flush, while the next list is being read on the same connection.
    /// </remarks>
    public static RouteHandlerBuilder MapUserExport(this IEndpointRouteBuilder endpoints, Delegate handler) =>
        endpoints.MapGet("/internal/v1/users/{id:guid}/export", handler)
            .RequireAuthorization(Policies.Service).ExcludeFromDescription().WithName("ExportUser");
}
