using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.RabbitMq;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Kashif.Messaging.DeadLetters;

/// <summary>
/// Looks at the service's dead letters and puts them back. A queue can only be read from its head, so both take all letters
/// without acknowledging them; closing the channel puts the remaining ones back.
/// </summary>
internal sealed class DeadLetterQueue(Broker broker, IServiceScopeFactory scopes, ServiceIdentity identity, TimeProvider time)
{
    /// <summary>How many letters are looked at: the oldest. Replay some to see more.</summary>
    public const int MaxRead = 10_000;

    /// <summary>How many letters one call moves: more might take longer than a client waits.</summary>
    public const int MaxReplay = 1_000;

    /// <summary>
    /// How many letters are published at once. From 32 pending acknowledgements on, RabbitMQ holds back further ones of a quorum queue, and
    /// forgets those when the channel closes: the letters would stay, beside their copies.
    /// </summary>
    private const int Window = 10;

    /// <summary>Ten seconds in all, for a busy broker. Not for ever: the queue may have been purged meanwhile.</summary>
    private const int MaxTries = 500;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private const long Lock = 0x6b617368_6c657474;

    /// <summary>The service has no queue, and so no dead letters, if it consumes nothing.</summary>
    public bool Consumes => EventCatalog.Subscriptions.ContainsKey(identity.Name);

    /// <summary>The letters that match, oldest first. The queue stays as it is.</summary>
    public async Task<List<DeadLetter>> ListAsync(DeadLetterFilter filter, CancellationToken cancellationToken)
    {
        await using var turn = await TakeTurnAsync(cancellationToken);
        var letters = new List<(ulong Tag, DeadLetter Letter)>();
        try
        {
            await using var channel = await OpenAsync(cancellationToken);
            await TakeAsync(channel, letters, cancellationToken);
        }
        finally
        {
            await WaitForAsync(letters.Count);
        }

        return [.. letters.Select(taken => taken.Letter).Where(filter.Matches)];
    }

    /// <summary>
    /// Moves the letters that match into the service's queue, with all their tries ahead of them, and reports it to the audit log. A
    /// letter leaves only when the broker has confirmed its copy; after a crash it may be in both queues, and the inbox keeps it from taking
    /// effect twice.
    /// </summary>
    /// <param name="changes">Members of the events' data to replace; null for none.</param>
    /// <param name="actorId">The admin; null for an operator at the command line.</param>
    /// <returns>How many were moved, at most <see cref="MaxReplay"/>, and how many that match are left.</returns>
    /// <exception cref="JsonException">The changes do not fit the event. Nothing was moved.</exception>
    public async Task<(int Replayed, int Remaining)> ReplayAsync(DeadLetterFilter filter, JsonElement? changes, Guid? actorId, CancellationToken cancellationToken)
    {
        await using var turn = await TakeTurnAsync(cancellationToken);
        var letters = new List<(ulong Tag, DeadLetter Letter)>();
        var acknowledged = 0;
        try
        {
            await using var channel = await OpenAsync(cancellationToken);
            await TakeAsync(channel, letters, cancellationToken);
            var matching = letters.Where(taken => filter.Matches(taken.Letter)).ToList();
            var chosen = matching.Take(MaxReplay)
                .Select(taken => changes is { } members ? (taken.Tag, Letter: taken.Letter.With(members)) : taken).ToList();
            if (chosen.Count > 0)
            {
                await ReportAsync(filter, chosen, changes is not null, actorId, cancellationToken);
            }

            foreach (var window in chosen.Chunk(Window))
            {
                await broker.ConfirmAsync(
                    limited => Task.WhenAll(window.Select(async taken =>
                    {
                        await channel.BasicPublishAsync(
                            exchange: "", identity.Name, mandatory: true,
                            new BasicProperties { ContentType = CloudEvent.ContentType, DeliveryMode = DeliveryModes.Persistent, MessageId = taken.Letter.Event?.Id.ToString() },
                            taken.Letter.Body, limited);
                        await channel.BasicAckAsync(taken.Tag, multiple: false, limited);
                        Interlocked.Increment(ref acknowledged);
                    })),
                    cancellationToken);
            }

            await channel.MessageCountAsync(Broker.DeadLetterQueue(identity.Name), cancellationToken); // the broker has got the acknowledgements
            return (chosen.Count, matching.Count - chosen.Count);
        }
        finally
        {
            await WaitForAsync(letters.Count - acknowledged);
        }
    }

    /// <summary>Tells Auth's audit log, before anything moves, so that nothing moves unseen.</summary>
    private async Task ReportAsync(DeadLetterFilter filter, List<(ulong Tag, DeadLetter Letter)> chosen, bool edited, Guid? actorId, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<DbContext>();
        database.Publish(
            new DeadLettersReplayed(
                identity.Name, actorId, chosen.Count, filter.Type, filter.Exception, chosen is [var (_, only)] ? only.Event?.Id : null, edited),
            time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
    }

    /// <param name="taken">Receives the letters, so that the caller can wait for them after an interruption.</param>
    private async Task TakeAsync(IChannel channel, List<(ulong Tag, DeadLetter Letter)> taken, CancellationToken cancellationToken)
    {
        var queue = Broker.DeadLetterQueue(identity.Name);
        var waiting = Math.Min(await channel.MessageCountAsync(queue, cancellationToken), MaxRead);
        while (taken.Count < waiting && await channel.BasicGetAsync(queue, autoAck: false, cancellationToken) is { } message)
        {
            taken.Add((message.DeliveryTag, DeadLetter.Of(message)));
        }
    }

    /// <summary>
    /// Waits for the queue to have the letters again that a channel had taken. It takes them back when the channel closes, a moment later: until then the next call
    /// would find none. A rejection on an open channel is held back. Not cancelled: a cancelled or failed call must wait too.
    /// </summary>
    private async Task WaitForAsync(int count)
    {
        if (count == 0)
        {
            return;
        }

        try
        {
            await using var channel = await broker.OpenPublishChannelAsync(Window, CancellationToken.None); // the queue has been declared
            var queue = Broker.DeadLetterQueue(identity.Name);
            for (var tries = 0; tries < MaxTries && await channel.MessageCountAsync(queue, CancellationToken.None) < count; tries++)
            {
                await Task.Delay(Pause, time, CancellationToken.None);
            }
        }
        catch (Exception exception) when (exception is RabbitMQClientException or OperationCanceledException or IOException)
        {
            // The letters are there again when the broker is. What ended the call matters more.
        }
    }

    /// <summary>One at a time over all replicas: what one has taken, another does not see.</summary>
    private async Task<IAsyncDisposable> TakeTurnAsync(CancellationToken cancellationToken)
    {
        var scope = scopes.CreateAsyncScope();
        try
        {
            var database = scope.ServiceProvider.GetRequiredService<DbContext>().Database;
            await database.BeginTransactionAsync(cancellationToken);
            await database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
            return scope;
        }
        catch
        {
            await scope.DisposeAsync();
            throw;
        }
    }

    private async Task<IChannel> OpenAsync(CancellationToken cancellationToken)
    {
        await broker.DeclareTopologyAsync(identity.Name, cancellationToken);
        return await broker.OpenPublishChannelAsync(Window, cancellationToken);
    }
}
