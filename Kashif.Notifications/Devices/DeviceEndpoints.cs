using Kashif.Http;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Devices;

/// <summary>A device for push notifications.</summary>
/// <param name="Token" example="fcm-EXAMPLE-token">The device's Firebase registration token.</param>
/// <param name="DeviceType">The device's platform.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record RegisterDeviceRequest(
    [property: Text(1, Device.MaxTokenLength)] string Token,
    DeviceType DeviceType);

/// <summary>A registered device.</summary>
/// <param name="DeviceType">The device's platform.</param>
/// <param name="RegisteredAt">When it was last registered.</param>
internal sealed record DeviceResponse(DeviceType DeviceType, DateTimeOffset RegisteredAt);

/// <summary>The devices that receive a user's push notifications.</summary>
internal static class DeviceEndpoints
{
    private static readonly Error SessionEnded = new(StatusCodes.Status401Unauthorized, "session_ended", "This session has ended. Log in again.");

    public static IEndpointRouteBuilder MapDevices(this IEndpointRouteBuilder endpoints)
    {
        var devices = endpoints.MapGroup(NotificationsExtensions.Root).WithTags("Devices").RequireAuthorization();
        devices.MapPost("/register-device", RegisterAsync).WithIdempotency()
            .WithName("RegisterDevice").WithSummary("Register a device for my push notifications")
            .WithDescription($"The device is removed when the session of the access token ends. Each user can have {Device.MaxPerUser}: another one replaces the device that was registered the longest ago.")
            .WithProblems(401, "session_ended");
        devices.MapDelete("/devices/{token}", DeleteAsync).WithName("DeleteDevice").WithSummary("Unregister a device");
        return devices;
    }

    private static async Task<Results<Created<DeviceResponse>, Ok<DeviceResponse>, ProblemHttpResult>> RegisterAsync(
        RegisterDeviceRequest request, HttpContext http, UnitOfWork work, NotificationsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var user = http.User.UserId;
        var session = http.User.SessionId;
        var hash = Device.Hash(request.Token);
        await using var transaction = await work.BeginAsync(cancellationToken);
        await DeviceLock.TakeAsync(database, [user], cancellationToken);
        var isNew = await database.Database
            .SqlQuery<bool>($"""
                WITH registered AS (
                    INSERT INTO devices (id, user_id, session_id, token_hash, token, device_type, registered_at)
                    SELECT {Guid.CreateVersion7(now)}, {user}, {session}, {hash}, {request.Token}, {DeviceConfiguration.Text(request.DeviceType)}, {now}
                    WHERE NOT EXISTS (SELECT FROM ended_sessions WHERE session_id = {session})
                    ON CONFLICT (token_hash) DO UPDATE
                    SET user_id = excluded.user_id, session_id = excluded.session_id, device_type = excluded.device_type, registered_at = excluded.registered_at
                    RETURNING xmax = 0 AS is_new
                ), surplus AS (
                    DELETE FROM devices WHERE EXISTS (SELECT FROM registered) AND id IN (
                        SELECT id FROM devices WHERE user_id = {user} AND token_hash <> {hash} ORDER BY registered_at DESC, id DESC OFFSET {Device.MaxPerUser - 1})
                )
                SELECT is_new AS "Value" FROM registered
                """)
            .ToListAsync(cancellationToken);
        if (isNew is [])
        {
            return SessionEnded.ToProblem();
        }

        var device = new DeviceResponse(request.DeviceType, now);
        Results<Created<DeviceResponse>, Ok<DeviceResponse>, ProblemHttpResult> response = isNew is [true]
            ? TypedResults.Created((string?)null, device)
            : TypedResults.Ok(device);
        return await work.CommitAsync(response, cancellationToken);
    }

    /// <param name="token" example="fcm-EXAMPLE-token">The device's Firebase registration token, percent-encoded.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string token, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        // Servers leave only a slash encoded in a path.
        var hash = Device.Hash(token.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
        var user = http.User.UserId;
        var deleted = await database.Devices
            .Where(device => device.TokenHash == hash && device.UserId == user)
            .ExecuteDeleteAsync(cancellationToken);
        return deleted == 1 ? TypedResults.NoContent() : Error.NotFound("Device not found.").ToProblem();
    }
}
