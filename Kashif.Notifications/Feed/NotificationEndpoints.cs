using System.Text.Json;
using Kashif.Http;
using Kashif.Notifications.Data;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Feed;

/// <param name="Type">The event's type, such as <c>report.created</c>.</param>
/// <param name="Data">Ids and amounts for the client, as strings by name.</param>
internal sealed record NotificationResponse(
    Guid Id, string Type, string Title, string Body, IReadOnlyDictionary<string, string> Data, DateTimeOffset? ReadAt, DateTimeOffset CreatedAt);

internal sealed record UnreadCountResponse(int UnreadCount);

/// <summary>A user's notifications.</summary>
internal static class NotificationEndpoints
{
    public static IEndpointRouteBuilder MapNotifications(this IEndpointRouteBuilder endpoints)
    {
        var notifications = endpoints.MapGroup(NotificationsExtensions.Root).WithTags("Notifications").RequireAuthorization();
        notifications.MapGet("/", ListAsync).WithName("ListNotifications").WithSummary("List my notifications, newest first");
        notifications.MapGet("/unread-count", CountUnreadAsync).WithName("CountUnread").WithSummary("Count my unread notifications");
        notifications.MapPatch("/{id:guid}/read", MarkReadAsync).WithName("MarkRead").WithSummary("Mark a notification as read");
        return notifications;
    }

    private static async Task<Results<Ok<Page<NotificationResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page,
        [FromQuery(Name = "unread_only")] bool? unreadOnly,
        HttpContext http,
        NotificationsDbContext database,
        CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var rows = database.Notifications.AsNoTracking().Where(notification => notification.UserId == user);
        if (unreadOnly is true)
        {
            rows = rows.Where(notification => notification.ReadAt == null);
        }

        if (page.Cursor is not null)
        {
            if (!Cursor.TryDecode<Guid>(page.Cursor, out var last))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            rows = rows.Where(notification => notification.Id.CompareTo(last) < 0);
        }

        var notifications = await rows.OrderByDescending(notification => notification.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(notifications, page.Size, ToResponse, notification => Cursor.Encode(notification.Id)));
    }

    private static async Task<Ok<UnreadCountResponse>> CountUnreadAsync(
        HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var count = await database.Notifications.CountAsync(
            notification => notification.UserId == user && notification.ReadAt == null, cancellationToken);
        return TypedResults.Ok(new UnreadCountResponse(count));
    }

    private static async Task<Results<Ok<NotificationResponse>, ProblemHttpResult>> MarkReadAsync(
        Guid id, HttpContext http, NotificationsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var read = await database.Notifications
            .FromSql($"UPDATE notifications SET read_at = COALESCE(read_at, {time.GetUtcNow()}) WHERE id = {id} AND user_id = {http.User.UserId} RETURNING *")
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        return read is [var notification]
            ? TypedResults.Ok(ToResponse(notification))
            : Error.NotFound("Notification not found.").ToProblem();
    }

    public static NotificationResponse ToResponse(Notification notification) => new(
        notification.Id, notification.Type, notification.Title, notification.Body,
        JsonSerializer.Deserialize(notification.Data, NotificationsJson.Default.DictionaryStringString) ?? [],
        notification.ReadAt, notification.CreatedAt);
}
