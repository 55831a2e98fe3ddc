using System.Security.Claims;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Sessions;

/// <summary>The session to end.</summary>
/// <param name="RefreshToken" example="dGhpcyBpcyBubyB0b2tlbg">The refresh token of the session to end.</param>
public sealed record LogoutRequest([Text(SessionTokens.MaxTokenLength)] string RefreshToken);

/// <summary>A session: a login and its refreshes.</summary>
/// <param name="Id">The session's id.</param>
/// <param name="UserAgent" example="Mozilla/5.0">The User-Agent of the login; null if there was none.</param>
/// <param name="IpAddress" example="203.0.113.7">The IP address of the login; null if it is not known.</param>
/// <param name="CreatedAt">When the user logged in.</param>
/// <param name="LastUsedAt">The time of the last refresh.</param>
/// <param name="Current">Whether it is the session of this request.</param>
internal sealed record SessionResponse(
    Guid Id, string? UserAgent, string? IpAddress, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, bool Current);

internal static class SessionEndpoints
{
    public static RouteGroupBuilder MapSessions(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("").WithTags("Sessions").RequireAuthorization(Policies.Session);
        group.MapGet("/sessions", ListAsync).WithName("ListSessions").WithSummary("List my sessions");
        group.MapDelete("/sessions/{id:guid}", EndAsync).WithName("EndSession").WithSummary("End one of my sessions");
        group.MapPost("/logout", LogoutAsync).WithName("Logout").WithSummary("Log out")
            .WithDescription("Ends the session of the refresh token.");
        group.MapPost("/logout-all", LogoutAllAsync).WithName("LogoutAll").WithSummary("Log out on all devices");
        return group;
    }

    private static async Task<Results<Ok<Page<SessionResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal caller, AuthDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var (user, current, now) = (caller.UserId, caller.SessionId, time.GetUtcNow());
        var sessions = database.Sessions.Where(session => session.UserId == user && session.RevokedAt == null && session.ExpiresAt > now);
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode<Guid>(cursor, out var last))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            sessions = sessions.Where(session => session.Id < last);
        }

        var rows = await sessions.OrderByDescending(session => session.Id).Take(page.Size + 1)
            .Select(session => new SessionResponse(
                session.Id, session.UserAgent, session.IpAddress, session.CreatedAt, session.LastUsedAt, session.Id == current))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, session => Cursor.Encode(session.Id)));
    }

    /// <param name="id">The session's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> EndAsync(
        Guid id, ClaimsPrincipal caller, SessionTokens sessions, CancellationToken cancellationToken) =>
        await sessions.CloseAsync(caller.UserId, id, cancellationToken)
            ? TypedResults.NoContent()
            : Error.NotFound("Session not found.").ToProblem();

    private static async Task<NoContent> LogoutAsync(
        LogoutRequest request, ClaimsPrincipal caller, SessionTokens sessions, CancellationToken cancellationToken)
    {
        await sessions.CloseAsync(caller.UserId, request.RefreshToken, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> LogoutAllAsync(
        ClaimsPrincipal caller, SessionTokens sessions, AuthDbContext database, AuditLog audit, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await sessions.CloseAllAsync(caller.UserId, cancellationToken);
        audit.Record(caller.UserId, AuditActions.SessionsEnded);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}
