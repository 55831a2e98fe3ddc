using Kashif.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Kashif.Http;

/// <summary>A service's part of a user's data export, which the gateway assembles.</summary>
public static class UserExport
{
    /// <summary>
    /// Maps <c>/internal/v1/users/{id}/export</c>, for services only: a JSON object with all of the user's data except secrets, streamed
    /// row by row. For an unknown user, the lists are empty.
    /// </summary>
    /// <remarks>
    /// End each list with a <c>Select</c> after <c>AsAsyncEnumerable</c>: it closes the reader after the last row. The serializer would
    /// close it only at its next flush, when the next list already uses the same connection.
    /// </remarks>
    public static RouteHandlerBuilder MapUserExport(this IEndpointRouteBuilder endpoints, Delegate handler) =>
        endpoints.MapGet("/internal/v1/users/{id:guid}/export", handler)
            .RequireAuthorization(ServiceScopes.ExportUsers).ExcludeFromDescription().WithName("ExportUser");
}
