using System.Globalization;
using System.Text.Json;
using Kashif.Http;
using Kashif.Messaging.Outbox;
using Kashif.Notifications.Data;
using Kashif.Notifications.Templates;
using Kashif.Security;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Kashif.Notifications.Inbox;

/// <summary>The data of the event <c>notification</c>.</summary>
internal sealed record NotificationEvent(NotificationResponse Notification, int UnreadCount);

/// <summary>Opens streams, as many as <see cref="InboxOptions"/> allows.</summary>
internal sealed class InboxStreams(
    IServiceScopeFactory scopes, TemplateRenderer renderer, InboxWakeUps wakeUps, IHostApplicationLifetime lifetime, TimeProvider time,
    NotificationMetrics metrics, IOptions<InboxOptions> options)
{
    private static readonly Error TooMany = Error.TooMany("too_many_streams", "You have too many open streams. Close one first.");
    private static readonly Error Full = Error.Unavailable("unavailable", "This server has too many open streams. Try again.");
    private int _count;

    public async Task ServeAsync(HttpContext http, long? after)
    {
        using var signal = new WakeSignal();
        var user = http.User.UserId;
        if (Interlocked.Increment(ref _count) > options.Value.StreamsPerReplica)
        {
            Interlocked.Decrement(ref _count);
            await Full.ToProblem().ExecuteAsync(http);
        }
        else if (!wakeUps.TryAdd(user, signal, options.Value.StreamsPerUser))
        {
            Interlocked.Decrement(ref _count);
            await TooMany.ToProblem().ExecuteAsync(http);
        }
        else
        {
            metrics.StreamOpened(1);
            try
            {
                await new InboxStream(http, user, signal, scopes, renderer, lifetime, time).RunAsync(after);
            }
            finally
            {
                metrics.StreamOpened(-1);
                wakeUps.Remove(user, signal);
                Interlocked.Decrement(ref _count);
            }
        }
    }
}

/// <summary>One client's server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html. The id of an event is a position of <see cref="InboxHead"/>.</summary>
/// <remarks>Reads a page, writes it and waits until the client has taken it: a slow client costs no memory.</remarks>
internal sealed class InboxStream(
    HttpContext http, Guid user, WakeSignal signal, IServiceScopeFactory scopes, TemplateRenderer renderer, IHostApplicationLifetime lifetime, TimeProvider time)
{
    public const string ContentType = "text/event-stream";
    private const int PageSize = 100;

    /// <summary>Shorter than the idle time after which proxies close a connection; each heartbeat also looks for news.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private int? _unread;

    /// <param name="after">The position that the client has read; null: only what arrives from now on.</param>
    public async Task RunAsync(long? after)
    {
        http.Response.ContentType = ContentType;
        http.Response.Headers.CacheControl = "no-store, no-transform";
        http.Response.Headers["X-Accel-Buffering"] = "no"; // for nginx in front of the gateway
        http.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();

        using var expired = new CancellationTokenSource(TokenLifetime(), time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping, expired.Token);
        try
        {
            await WriteAsync(Retry, end.Token);
            await PumpAsync(after, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested && !http.RequestAborted.IsCancellationRequested)
            {
                await WriteAsync(Retry, http.RequestAborted);
            }
        }
        catch (Exception exception) when (TransientFailure.Is(exception))
        {
            // The client comes back with its position.
        }
    }

    /// <summary>When a client comes back after the end; not all at once after a replica's end.</summary>
    private static string Retry => string.Create(CultureInfo.InvariantCulture, $"retry: {Random.Shared.Next(1000, 4000)}\n\n");

    private async Task PumpAsync(long? after, CancellationToken cancellationToken)
    {
        while (await ReadAsync(after, cancellationToken) is { } page)
        {
            var position = after ?? page.Head;
            await renderer.FindNewAsync(page.Notifications.Select(notification => notification.TemplateCode), cancellationToken);
            foreach (var notification in page.Notifications)
            {
                position = notification.Position;
                var data = new NotificationEvent(NotificationEndpoints.ToResponse(notification, renderer, page.Language), page.Unread);
                await WriteAsync(position, "notification", JsonSerializer.Serialize(data, NotificationsJson.Default.NotificationEvent), cancellationToken);
            }

            // Nothing is left up to the head. A position behind it is of another database, such as one before a restored backup.
            after = page.Notifications.Count < PageSize ? Math.Max(page.Head, page.Notifications.LastOrDefault()?.Position ?? 0) : position;
            if (page.Unread != _unread)
            {
                _unread = page.Unread;
                await WriteAsync(after.Value, "unread", JsonSerializer.Serialize(new UnreadCountResponse(page.Unread), NotificationsJson.Default.UnreadCountResponse), cancellationToken);
            }

            if (page.Notifications.Count < PageSize)
            {
                await WaitAsync(cancellationToken);
            }
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var heartbeat = new CancellationTokenSource(Heartbeat, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, heartbeat.Token);
        await signal.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (heartbeat.IsCancellationRequested)
        {
            await WriteAsync(": \n\n", cancellationToken);
        }
    }

    /// <returns>Null if the user is deleted or the session has ended.</returns>
    private async Task<StreamPage?> ReadAsync(long? after, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<NotificationsDbContext>();
        var session = http.User.SessionId;

        // The head comes first: what is committed later has a higher position, and comes with the next page.
        var (head, unread, ended, language) = await database.Database
            .SqlQuery<StreamState>($"""
                SELECT
                    COALESCE((SELECT position FROM inbox_heads WHERE user_id = {user}), 0) AS head,
                    (SELECT count(*)::int FROM notifications WHERE user_id = {user} AND read_at IS NULL AND folder = 'inbox') AS unread,
                    EXISTS (SELECT FROM erased_users WHERE user_id = {user}) OR EXISTS (SELECT FROM ended_sessions WHERE session_id = {session}) AS ended,
                    (SELECT language FROM recipients WHERE user_id = {user}) AS language
                """)
            .SingleAsync(cancellationToken);
        if (ended)
        {
            return null;
        }

        var notifications = after < head ? await After(database, user, after.Value).ToListAsync(cancellationToken) : [];
        return new StreamPage(head, unread, language, notifications);
    }

    /// <summary>The next page of a stream.</summary>
    public static IQueryable<Notification> After(NotificationsDbContext database, Guid user, long position) => database.Notifications.AsNoTracking()
        .Where(notification => notification.UserId == user && notification.Position > position && notification.Folder == Folders.Inbox)
        .OrderBy(notification => notification.Position)
        .Take(PageSize);

    private Task WriteAsync(long position, string type, string data, CancellationToken cancellationToken) =>
        WriteAsync(string.Create(CultureInfo.InvariantCulture, $"id: {position}\nevent: {type}\ndata: {data}\n\n"), cancellationToken);

    private Task WriteAsync(string text, CancellationToken cancellationToken) => http.Response.WriteAsync(text, cancellationToken);

    private TimeSpan TokenLifetime()
    {
        var expires = DateTimeOffset.FromUnixTimeSeconds(long.Parse(http.User.FindFirst(JwtRegisteredClaimNames.Exp)?.Value ?? "0", CultureInfo.InvariantCulture));
        var left = expires - time.GetUtcNow();
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private sealed record StreamState(long Head, int Unread, bool Ended, string? Language);

    private sealed record StreamPage(long Head, int Unread, string? Language, List<Notification> Notifications);
}
