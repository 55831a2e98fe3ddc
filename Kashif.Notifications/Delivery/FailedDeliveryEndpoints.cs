using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Delivery;

/// <summary>The filters of failed deliveries.</summary>
public sealed class FailedDeliveryQuery
{
    /// <summary>Only deliveries on this channel.</summary>
    /// <example>email</example>
    [FromQuery(Name = "channel"), Values(typeof(DeliveryChannel)), RegularExpression("push|email", ErrorMessage = "Must be push or email.")]
    public string? Channel { get; set; }

    /// <summary>Only deliveries that ended with this error.</summary>
    /// <example>smtp_550</example>
    [FromQuery(Name = "error"), Text(50)]
    public string? Error { get; set; }
}

/// <summary>A channel that reaches users outside the app.</summary>
public enum DeliveryChannel
{
    Push,
    Email,
}

/// <summary>A delivery that was refused, has expired, or was given up after its last attempt.</summary>
/// <param name="Id" example="4711">The delivery's id.</param>
/// <param name="NotificationId">The notification's id; null for an account mail, which cannot be replayed because its secret is erased.</param>
/// <param name="UserId">The user's id.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Priority">The notification's priority.</param>
/// <param name="Attempts" example="12">How often it was tried.</param>
/// <param name="Error" example="quota_exceeded">Why the last attempt failed.</param>
/// <param name="At">When the last attempt ended.</param>
internal sealed record FailedDeliveryResponse(
    long Id, Guid? NotificationId, Guid UserId, DeliveryChannel Channel, Priority Priority, int Attempts, string? Error, DateTimeOffset At);

/// <summary>Which failed deliveries to replay.</summary>
/// <param name="Channel">Only deliveries on this channel.</param>
/// <param name="Error" example="quota_exceeded">Only deliveries that ended with this error. Without it, all but those whose device or address is gone.</param>
/// <param name="Limit" example="1000">How many at most, the oldest first.</param>
public sealed record ReplayDeliveriesRequest(DeliveryChannel? Channel = null, [Text(50)] string? Error = null, [Between(1, 1000)] int Limit = 1000);

/// <summary>The result of a replay.</summary>
/// <param name="Replayed" example="12">How many deliveries were put back into the queue, with all their attempts ahead of them.</param>
/// <param name="Remaining" example="0">How many still match. Repeat the request to replay them.</param>
/// <param name="Skipped" example="3">How many can never succeed, because their device or address is gone.</param>
internal sealed record ReplayedDeliveriesResponse(int Replayed, int Remaining, int Skipped);

/// <summary>The API of deliveries that ended without success, for admins.</summary>
internal static class FailedDeliveryEndpoints
{
    /// <summary>The errors of devices and addresses that are gone.</summary>
    private static readonly string[] Hopeless = ["unregistered", "sender_id_mismatch", "device_removed", "recipient_removed", "invalid_address", "smtp_550", "smtp_551", "smtp_553"];

    public static void MapFailedDeliveries(this IEndpointRouteBuilder endpoints)
    {
        var failed = endpoints.MapGroup($"{NotificationsExtensions.Root}/failed").WithTags("Deliveries")
            .RequireAuthorization(Policies.Session).RequireAuthorization(Policies.Admin);
        failed.MapGet("/", ListAsync).WithName("ListFailedDeliveries").WithSummary("List failed deliveries")
            .WithDescription("Pushes and e-mails that were refused, have expired, or were given up after the last attempt, oldest first.");
        failed.MapPost("/replay", ReplayAsync).WithName("ReplayFailedDeliveries").WithSummary("Replay failed deliveries")
            .WithDescription("Puts the deliveries that match back into the queue, except account mails, what has expired and, without `error`, what can never succeed. The audit log records it.");
    }

    private static async Task<Results<Ok<Page<FailedDeliveryResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] FailedDeliveryQuery query, [AsParameters] PageRequest page, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var after = 0L;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await Failed(database, query.Channel, query.Error).AsNoTracking()
            .Where(delivery => delivery.Id > after)
            .OrderBy(delivery => delivery.Id).Take(page.Size + 1)
            .Select(delivery => new
            {
                Delivery = delivery,
                UserId = delivery.UserId ?? database.Notifications.Where(notification => notification.Id == delivery.NotificationId).Select(notification => notification.UserId).Single(),
            })
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size,
            row => new FailedDeliveryResponse(
                row.Delivery.Id, row.Delivery.NotificationId, row.UserId, Enum.Parse<DeliveryChannel>(row.Delivery.Channel, ignoreCase: true),
                row.Delivery.Priority, row.Delivery.Attempts, row.Delivery.LastError, row.Delivery.UpdatedAt),
            last => Cursor.Encode(last.Delivery.Id)));
    }

    private static async Task<Ok<ReplayedDeliveriesResponse>> ReplayAsync(
        ReplayDeliveriesRequest request, ClaimsPrincipal caller, UnitOfWork work, NotificationsDbContext database, DeliverySignal<PushChannel> pushes,
        DeliverySignal<EmailChannel> mails, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var transaction = await work.BeginAsync(cancellationToken);
        var channel = request.Channel?.ToString().ToLowerInvariant();
        var replayable = Failed(database, channel, request.Error)
            .Where(delivery => delivery.NotificationId != null && (delivery.ExpiresAt == null || delivery.ExpiresAt > now));
        var matching = request.Error is null ? replayable.Where(delivery => !Hopeless.Contains(delivery.LastError)) : replayable;
        var replayed = await matching
            .Where(delivery => matching.OrderBy(oldest => oldest.Id).Take(request.Limit).Select(oldest => oldest.Id).Contains(delivery.Id))
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(delivery => delivery.State, DeliveryState.Queued)
                    .SetProperty(delivery => delivery.Attempts, 0)
                    .SetProperty(delivery => delivery.NextAttemptAt, now)
                    .SetProperty(delivery => delivery.UpdatedAt, now)
                    .SetProperty(delivery => delivery.LastError, (string?)null)
                    .SetProperty(delivery => delivery.Reported, false),
                cancellationToken);
        if (replayed > 0)
        {
            database.Publish(
                new DeadLettersReplayed(
                    ResourceNames.Notifications, caller.UserId, replayed, channel is null ? "delivery" : $"delivery.{channel}", request.Error, EventId: null, Edited: false),
                now);
        }

        var remaining = await matching.CountAsync(cancellationToken);
        var answer = TypedResults.Ok(new ReplayedDeliveriesResponse(replayed, remaining, await replayable.CountAsync(cancellationToken) - remaining));
        await work.CommitAsync(answer, cancellationToken);
        pushes.Set();
        mails.Set();
        return answer;
    }

    private static IQueryable<ChannelDelivery> Failed(NotificationsDbContext database, string? channel, string? error) =>
        database.Deliveries.Where(delivery => delivery.State == DeliveryState.Dead
            && (channel == null || delivery.Channel == channel) && (error == null || delivery.LastError == error));
}
