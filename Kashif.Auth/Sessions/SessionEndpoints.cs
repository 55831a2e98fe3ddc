using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.Sessions;

public sealed record LogoutRequest([StringLength(SessionTokens.MaxTokenLength)] string RefreshToken);

internal static class SessionEndpoints
{
    public static RouteGroupBuilder MapSessions(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Sessions").RequireAuthorization();
        group.MapPost("/logout", LogoutAsync).WithName("Logout").WithSummary("Ends the refresh token's session");
        group.MapPost("/logout-all", LogoutAllAsync).WithName("LogoutAll").WithSummary("Ends all sessions of the signed-in person");
        return group;
    }

    private static async Task<NoContent> LogoutAsync(
        LogoutRequest request, ClaimsPrincipal caller, SessionTokens sessions, CancellationToken cancellationToken)
    {
        await sessions.CloseAsync(caller.UserId, request.RefreshToken, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> LogoutAllAsync(ClaimsPrincipal caller, SessionTokens sessions, CancellationToken cancellationToken)
    {
        await sessions.CloseAllAsync(caller.UserId, cancellationToken);
        return TypedResults.NoContent();
    }
}
