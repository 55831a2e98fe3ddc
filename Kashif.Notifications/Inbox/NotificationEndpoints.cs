using System.ComponentModel.DataAnnotations;
using System.Globalization;
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
/// <param name="Type" example="report.created">The type of its event, `alert`, or the template code of a message.</param>
/// <param name="Title" example="Report received">The title, in the user's language.</param>
/// <param name="Body" example="Thank you. We have received your report “Deep pothole”.">The text, in the user's language.</param>
/// <param name="Data" example='{"report_id": "0198f0a0-1111-7000-8000-000000000002"}'>Ids and amounts for the client, as strings by name.</param>
/// <param name="ReadAt" example="null">When it was marked as read; null if it was not.</param>
/// <param name="ArchivedAt" example="null">When it was archived; null if it is not in the archive.</param>
/// <param name="SnoozedUntil" example="null">Until when it is hidden; null if it is not snoozed.</param>
/// <param name="CreatedAt">When its cause occurred.</param>
internal sealed record NotificationResponse(
    Guid Id, string Type, string Title, string Body, IReadOnlyDictionary<string, string> Data, DateTimeOffset? ReadAt, DateTimeOffset? ArchivedAt,
    DateTimeOffset? SnoozedUntil, DateTimeOffset CreatedAt);

/// <summary>The number of unread notifications.</summary>
/// <param name="UnreadCount" example="3">How many notifications of the inbox are unread.</param>
internal sealed record UnreadCountResponse(int UnreadCount);

/// <summary>Fields that are left out do not change.</summary>
/// <param name="Read" example="true">True: marks it as read, for good.</param>
/// <param name="Archived" example="true">True: into the archive. False: back into the inbox, from the archive or from a snooze.</param>
/// <param name="SnoozedUntil" example="2027-03-01T09:00:00Z">Hides it until this time, at most a year away. Then it is back on top of the inbox.</param>
public sealed record ChangeNotificationRequest(
    bool? Read = null, bool? Archived = null, DateTimeOffset? SnoozedUntil = null);

/// <summary>A user's notifications.</summary>
internal static class NotificationEndpoints
{
    private const string LastEventId = "Last-Event-ID";
    private static readonly TimeSpan LongestSnooze = TimeSpan.FromDays(366);
    private static readonly Error NotFound = Error.NotFound("Notification not found.");

    public static IEndpointRouteBuilder MapNotifications(this IEndpointRouteBuilder endpoints)
    {
        var notifications = endpoints.MapGroup(NotificationsExtensions.Root).WithTags("Notifications").RequireAuthorization();
        notifications.MapGet("/", ListAsync).WithName("ListNotifications").WithSummary("List my notifications, newest first")
            .WithDescription("Without a filter: the inbox. The archive and snoozed notifications are lists of their own.");
        notifications.MapGet("/unread-count", CountUnreadAsync).WithName("CountUnread").WithSummary("Count my unread notifications");
        notifications.MapGet("/stream", StreamAsync).WithName("StreamNotifications").WithSummary("Stream my notifications as they arrive")
            .WithDescription("""
                Server-sent events: `notification` with `{"notification": …, "unread_count": 3}`, as in the list, for each that arrives or comes back from a snooze, and
                `unread` with `{"unread_count": 3}` at the start and when the number changes. A client that reconnects sends the last `id` it has seen as `Last-Event-ID`, and gets each
                later notification once. A comment every 15 seconds keeps the connection open. The stream ends when the access token expires, the session ends or the server stops: connect
                again, with a new token if needed.
                """)
            .Produces(StatusCodes.Status200OK, typeof(string), InboxStream.ContentType)
            .WithMetadata(new RequestHeader(LastEventId, "The `id` of the last event that the client has seen. It wins over `since`.", 20, "41"))
            .WithProblems(429, "too_many_streams");
        notifications.MapPatch("/{id:guid}", ChangeAsync).WithName("ChangeNotification").WithSummary("Mark a notification as read, archive it or snooze it");
        notifications.MapPatch("/{id:guid}/read", MarkReadAsync).WithName("MarkRead").WithSummary("Mark a notification as read");
        notifications.MapPost("/read-all", MarkAllReadAsync).WithName("MarkAllRead").WithSummary("Mark all notifications of my inbox as read");
        notifications.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteNotification").WithSummary("Delete a notification");
        return notifications;
    }

    /// <param name="unreadOnly" example="true">True: only unread notifications of the inbox.</param>
    /// <param name="archived" example="true">True: the archive instead of the inbox.</param>
    /// <param name="snoozed" example="true">True: snoozed notifications instead of the inbox.</param>
    private static async Task<Results<Ok<Page<NotificationResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page,
        [FromQuery(Name = "unread_only")] bool? unreadOnly,
        [FromQuery(Name = "archived")] bool? archived,
        [FromQuery(Name = "snoozed")] bool? snoozed,
        HttpContext http,
        NotificationsDbContext database,
        TemplateRenderer renderer,
        CancellationToken cancellationToken)
    {
        if (archived is true && snoozed is true)
        {
            return Error.Field("snoozed", "Not together with archived.");
        }

        if (unreadOnly is true && (archived is true || snoozed is true))
        {
            return Error.Field("unread_only", "Not together with archived or snoozed.");
        }

        Guid? before = null;
        if (page.Cursor is not null)
        {
            if (!Cursor.TryDecode<Guid>(page.Cursor, out var last))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            before = last;
        }

        var folder = archived is true ? Folders.Archive : snoozed is true ? Folders.Snoozed : Folders.Inbox;
        var user = http.User.UserId;
        var language = Language(database, user);
        var notifications = await List(database, user, folder, unreadOnly is true, before, page.Size)
            .Select(notification => new { Row = notification, Language = language.SingleOrDefault() })
            .ToListAsync(cancellationToken);
        await renderer.FindNewAsync(notifications.Select(notification => notification.Row.TemplateCode), cancellationToken);
        return TypedResults.Ok(Page.Of(
            notifications, page.Size, notification => ToResponse(notification.Row, renderer, notification.Language), notification => Cursor.Encode(notification.Row.SortKey)));
    }

    /// <summary>A page of a list and one more row.</summary>
    /// <param name="unreadOnly">Only for the inbox.</param>
    public static IQueryable<Notification> List(NotificationsDbContext database, Guid user, string folder, bool unreadOnly, Guid? before, int size)
    {
        var rows = database.Notifications.AsNoTracking().Where(notification => notification.UserId == user);
        rows = unreadOnly ? rows.Unread() : rows.Where(notification => notification.Folder == folder);
        if (before is { } last)
        {
            rows = rows.Where(notification => notification.SortKey.CompareTo(last) < 0);
        }

        return rows.OrderByDescending(notification => notification.SortKey).Take(size + 1);
    }

    private static async Task<Ok<UnreadCountResponse>> CountUnreadAsync(
        HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var count = await database.Notifications.Where(notification => notification.UserId == user).Unread().CountAsync(cancellationToken);
        return TypedResults.Ok(new UnreadCountResponse(count));
    }

    /// <summary>The filter of the index <c>ix_notifications_unread</c>.</summary>
    public static IQueryable<Notification> Unread(this IQueryable<Notification> notifications) =>
        notifications.Where(notification => notification.ReadAt == null && notification.Folder == Folders.Inbox);

    /// <param name="since" example="41">The `id` of the last event that the client has seen. Left out: only what arrives from now on.</param>
    private static async Task<Results<EmptyHttpResult, ValidationProblem>> StreamAsync(
        [FromQuery(Name = "since"), Range(0, long.MaxValue, ErrorMessage = InvalidPosition)] long? since, HttpContext http, InboxStreams streams)
    {
        if (http.Request.Headers.TryGetValue(LastEventId, out var header))
        {
            if (!long.TryParse(header.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var seen))
            {
                return Error.Field(LastEventId, InvalidPosition);
            }

            since = seen;
        }

        await streams.ServeAsync(http, since);
        return TypedResults.Empty;
    }

    private const string InvalidPosition = "Send the id of an event of the stream, or none.";

    /// <param name="id">The notification's id.</param>
    private static async Task<Results<Ok<NotificationResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeNotificationRequest request, HttpContext http, NotificationsDbContext database, TemplateRenderer renderer, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (request.Read is false)
        {
            return Error.Field("read", "A notification that is read stays read. Leave this out or send true.");
        }

        if (request is { SnoozedUntil: not null, Archived: true })
        {
            return Error.Field("snoozed_until", "Archive the notification or snooze it, not both.");
        }

        if (request.SnoozedUntil is { } until && (until <= now || until > now + LongestSnooze))
        {
            return Error.Field("snoozed_until", "Must be in the future, at most a year away.");
        }

        var folder = request switch
        {
            { SnoozedUntil: not null } => Folders.Snoozed,
            { Archived: true } => Folders.Archive,
            { Archived: false } => Folders.Inbox,
            _ => null,
        };
        return await UpdateAsync(id, http.User.UserId, request.Read is true, folder, request.SnoozedUntil, now, database, renderer, cancellationToken) is { } changed
            ? TypedResults.Ok(changed)
            : NotFound.ToProblem();
    }

    /// <param name="id">The notification's id.</param>
    private static async Task<Results<Ok<NotificationResponse>, ProblemHttpResult>> MarkReadAsync(
        Guid id, HttpContext http, NotificationsDbContext database, TemplateRenderer renderer, TimeProvider time, CancellationToken cancellationToken) =>
        await UpdateAsync(id, http.User.UserId, read: true, folder: null, snoozedUntil: null, time.GetUtcNow(), database, renderer, cancellationToken) is { } changed
            ? TypedResults.Ok(changed)
            : NotFound.ToProblem();

    /// <param name="folder">Null: it stays where it is.</param>
    private static async Task<NotificationResponse?> UpdateAsync(
        Guid id, Guid user, bool read, string? folder, DateTimeOffset? snoozedUntil, DateTimeOffset now,
        NotificationsDbContext database, TemplateRenderer renderer, CancellationToken cancellationToken)
    {
        var moves = folder is not null;
        var changed = await database.Notifications
            .FromSql($"""
                UPDATE notifications SET
                    read_at = CASE WHEN {read} THEN COALESCE(read_at, {now}) ELSE read_at END,
                    folder = COALESCE({folder}, folder),
                    archived_at = CASE WHEN {folder == Folders.Archive} THEN COALESCE(archived_at, {now}) WHEN {moves} THEN NULL ELSE archived_at END,
                    snoozed_until = CASE WHEN {moves} THEN {snoozedUntil} ELSE snoozed_until END
                WHERE id = {id} AND user_id = {user} AND folder <> 'digest'
                RETURNING *, pg_notify({InboxWakeUps.Channel}, user_id::text)
                """)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        await renderer.FindNewAsync(changed.Select(notification => notification.TemplateCode), cancellationToken);
        return changed is [var notification] ? ToResponse(notification, renderer, await Language(database, user).SingleOrDefaultAsync(cancellationToken)) : null;
    }

    /// <param name="before">The id of the newest notification that the user has seen: newer ones stay unread. Left out: all.</param>
    private static async Task<Ok<UnreadCountResponse>> MarkAllReadAsync(
        [FromQuery(Name = "before")] Guid? before, HttpContext http, NotificationsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        await database.Database.ExecuteSqlAsync($"""
            WITH changed AS (
                UPDATE notifications SET read_at = {time.GetUtcNow()}
                WHERE user_id = {user} AND read_at IS NULL AND folder = 'inbox'
                    AND ({before}::uuid IS NULL OR sort_key <= COALESCE((SELECT sort_key FROM notifications WHERE id = {before} AND user_id = {user}), {before}))
                RETURNING user_id
            )
            SELECT pg_notify({InboxWakeUps.Channel}, user_id::text) FROM changed LIMIT 1
            """, cancellationToken);
        return await CountUnreadAsync(http, database, cancellationToken);
    }

    /// <param name="id">The notification's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // The deliveries first, in their order, like the consumer that is sending them.
        await database.Database.ExecuteSqlAsync($"""
            SELECT FROM deliveries WHERE notification_id = (SELECT id FROM notifications WHERE id = {id} AND user_id = {http.User.UserId}) ORDER BY id FOR UPDATE
            """, cancellationToken);
        var deleted = await database.Database
            .SqlQuery<Guid>($"""
                WITH deleted AS (DELETE FROM notifications WHERE id = {id} AND user_id = {http.User.UserId} AND folder <> 'digest' RETURNING id, user_id)
                SELECT id AS "Value" FROM deleted WHERE pg_notify({InboxWakeUps.Channel}, user_id::text) IS NOT NULL
                """)
            .ToListAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return deleted is [_] ? TypedResults.NoContent() : NotFound.ToProblem();
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
            notification.ReadAt, notification.ArchivedAt, notification.SnoozedUntil, notification.CreatedAt);
    }
}
