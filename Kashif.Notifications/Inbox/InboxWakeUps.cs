using System.Collections.Concurrent;
using Kashif.Messaging.Outbox;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Notifications.Inbox;

/// <summary>
/// Wakes this process's streams when a transaction of any replica changes their user's inbox, with PostgreSQL's NOTIFY over one connection.
/// A lost connection is opened again, and then all streams look for what they missed.
/// </summary>
internal sealed partial class InboxWakeUps(IConfiguration configuration, TimeProvider time, ILogger<InboxWakeUps> logger) : BackgroundService
{
    public const string Channel = "inbox";

    /// <summary>A payload must have less than 8,000 bytes: https://www.postgresql.org/docs/current/sql-notify.html.</summary>
    private const int UsersPerPayload = 200;

    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Guid, WakeSignal[]> _streams = new();

    /// <summary>The payloads that wake the streams of these users: their ids.</summary>
    public static string[] Payloads(IEnumerable<Guid> users) => [.. users.Distinct().Chunk(UsersPerPayload).Select(chunk => string.Join(',', chunk))];

    /// <summary>Wakes the streams of these users when the transaction commits, or at once if there is none.</summary>
    public static Task SendAsync(NotificationsDbContext database, IEnumerable<Guid> users, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync($"SELECT pg_notify({Channel}, payload) FROM unnest({Payloads(users)}) AS payload", cancellationToken);

    /// <summary>Adds the signal of a stream, if the user has less than <paramref name="limit"/>.</summary>
    public bool TryAdd(Guid user, WakeSignal signal, int limit)
    {
        var signals = _streams.AddOrUpdate(user, _ => [signal], (_, known) => known.Length < limit ? [.. known, signal] : known);
        return signals.Contains(signal);
    }

    public void Remove(Guid user, WakeSignal signal)
    {
        while (_streams.TryGetValue(user, out var known))
        {
            var rest = Array.FindAll(known, other => other != signal);
            if (rest.Length == 0 ? _streams.TryRemove(new(user, known)) : _streams.TryUpdate(user, rest, known))
            {
                return;
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Interrupted(logger, exception);
                await Task.Delay(Backoff, time, stoppingToken);
            }
        }
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        // Outside the pool: LISTEN would stay on a connection that others use.
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(configuration.GetConnectionString(ResourceNames.NotificationsDb))
        {
            Pooling = false,
            KeepAlive = 30, // finds a connection that a firewall has dropped
        }.ConnectionString);
        connection.Notification += (_, notification) => Wake(notification.Payload);
        await connection.OpenAsync(cancellationToken);
        await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
        {
            await listen.ExecuteNonQueryAsync(cancellationToken);
        }

        foreach (var user in _streams.Keys)
        {
            Wake(user);
        }

        while (true)
        {
            await connection.WaitAsync(cancellationToken);
        }
    }

    private void Wake(string payload)
    {
        foreach (var id in payload.Split(','))
        {
            if (Guid.TryParse(id, out var user))
            {
                Wake(user);
            }
        }
    }

    private void Wake(Guid user)
    {
        foreach (var signal in _streams.GetValueOrDefault(user, []))
        {
            signal.Set();
        }
    }

    [LoggerMessage(EventId = 6301, Level = LogLevel.Warning, Message = "The connection that wakes streams failed; until it is back, they look for news with each heartbeat")]
    private static partial void Interrupted(ILogger logger, Exception exception);
}
