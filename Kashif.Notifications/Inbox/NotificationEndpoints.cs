using System.Text.Json;
using Kashif.Http;
using Kashif.Notifications.Data;
using Kashif.Notifications.Templates;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Inbox;

/// <summary>A notification in the inbox.</summary>
/// <param name="Id">The notification's id.</param>
/// <param name="Type" example="report.created">The type of the event that caused it.</param>
/// <param name="Title" example="Report received">The title, in the user's language.</param>
/// <param name="Body" example="Thank you. We have received your report “Deep pothole”.">The text, in the user's language.</param>
/// <param name="Data" example='{"report_id": "0198f0a0-1111-7000-8000-000000000002"}'>Ids and amounts for the client, as strings by name.</param>
/// <param name="ReadAt" example="null">When it was marked as read; null if it was not.</param>
/// <param name="CreatedAt">When it was written.</param>
internal sealed record NotificationResponse(
    Guid Id, string Type, string Title, string Body, IReadOnlyDictionary<string, string> Data, DateTimeOffset? ReadAt, DateTimeOffset CreatedAt);

/// <summary>The number of unread notifications.</summary>
/// <param name="UnreadCount" example="3">How many notifications are unread.</param>
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

    /// <param name="unreadOnly" example="true">True: only unread notifications.</param>
    private static async Task<Results<Ok<Page<NotificationResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page,
        [FromQuery(Name = "unread_only")] bool? unreadOnly,
        HttpContext http,
        NotificationsDbContext database,
        TemplateRenderer renderer,
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

        var language = Language(database, user);
        var notifications = await rows.OrderByDescending(notification => notification.Id).Take(page.Size + 1)
            .Select(notification => new { Row = notification, Language = language.SingleOrDefault() })
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            notifications, page.Size, notification => ToResponse(notification.Row, renderer, notification.Language), notification => Cursor.Encode(notification.Row.Id)));
    }

    private static async Task<Ok<UnreadCountResponse>> CountUnreadAsync(
        HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var count = await database.Notifications.CountAsync(
            notification => notification.UserId == user && notification.ReadAt == null, cancellationToken);
        return TypedResults.Ok(new UnreadCountResponse(count));
    }

    /// <param name="id">The notification's id.</param>
    private static async Task<Results<Ok<NotificationResponse>, ProblemHttpResult>> MarkReadAsync(
        Guid id, HttpContext http, NotificationsDbContext database, TemplateRenderer renderer, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var read = await database.Notifications
            .FromSql($"UPDATE notifications SET read_at = COALESCE(read_at, {time.GetUtcNow()}) WHERE id = {id} AND user_id = {user} RETURNING *")
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        return read is [var notification]
            ? TypedResults.Ok(ToResponse(notification, renderer, await Language(database, user).SingleOrDefaultAsync(cancellationToken)))
            : Error.NotFound("Notification not found.").ToProblem();
    }

    /// <summary>The user's language; none if this service does not know the user.</summary>
    public static IQueryable<string> Language(NotificationsDbContext database, Guid user) =>
        database.Recipients.Where(recipient => recipient.UserId == user).Select(recipient => recipient.Language);

    public static NotificationResponse ToResponse(Notification notification, TemplateRenderer renderer, string? language)
    {
        var text = notification.Content.Render(renderer, language, ChannelNames.Inbox);
        return new(
            notification.Id, notification.Type, text.Title, text.Body,
            JsonSerializer.Deserialize(notification.Data, NotificationsJson.Default.DictionaryStringString) ?? [],
            notification.ReadAt, notification.CreatedAt);
    }
}
