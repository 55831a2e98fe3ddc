using Kashif.Messaging.RabbitMq;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;

namespace Kashif.Messaging.Consumers;

/// <summary>
/// The event types that the running replicas of this service want, whatever their version. AMQP cannot list bindings, so the
/// service's database remembers the types. A type that no replica wants any longer loses its binding.
/// </summary>
internal sealed class Subscriptions<TContext>(IServiceScopeFactory scopes, IEnumerable<HandlerRegistration> registrations, ServiceIdentity identity)
    where TContext : DbContext
{
    /// <summary>How often a replica renews its subscriptions.</summary>
    public static readonly TimeSpan Renewal = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Longer than an upgrade that is rolled back and repeated: meanwhile events of the new types become dead letters, which can be replayed.
    /// </summary>
    private static readonly TimeSpan Validity = TimeSpan.FromDays(1);

    /// <summary>In one order, so that replicas that renew at once wait for each other instead of deadlocking.</summary>
    private readonly string[] _types = [.. registrations.Select(registration => registration.EventType).Distinct().Order(StringComparer.Ordinal)];

    /// <returns>Whether this replica has a handler for the type.</returns>
    public bool Handles(string type) => _types.Contains(type);

    /// <summary>Renews this replica's subscriptions. Call it before binding, so that <see cref="ReconcileAsync"/> of another replica does not remove the binding.</summary>
    public async Task RenewAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await Database(scope).ExecuteSqlAsync($"""
            INSERT INTO subscriptions (event_type, wanted_at) SELECT event_type, now() FROM unnest({_types}) AS event_type
            ON CONFLICT (event_type) DO UPDATE SET wanted_at = excluded.wanted_at
            """, cancellationToken);
    }

    /// <returns>Whether a replica has subscribed to the type within the last day.</returns>
    public async Task<bool> IsWantedAsync(string type, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await Database(scope)
            .SqlQuery<bool>($"""SELECT EXISTS (SELECT FROM subscriptions WHERE event_type = {type} AND wanted_at >= now() - {Validity}) AS "Value" """)
            .SingleAsync(cancellationToken);
    }

    /// <summary>Has the binding of a type removed that is bound, although no replica wants it: an older publisher may have restored it.</summary>
    public async Task DropAsync(string type, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await Database(scope).ExecuteSqlAsync(
            $"INSERT INTO subscriptions (event_type, wanted_at) VALUES ({type}, to_timestamp(0)) ON CONFLICT (event_type) DO NOTHING", cancellationToken);
    }

    /// <summary>Removes the bindings of types that no replica wants any longer.</summary>
    public async Task ReconcileAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = Database(scope);

        // The lock of a deleted row makes a replica that wants the type again wait, and bind after this.
        await using var transaction = await database.BeginTransactionAsync(cancellationToken);
        foreach (var type in await database
            .SqlQuery<string>($"""DELETE FROM subscriptions WHERE wanted_at < now() - {Validity} RETURNING event_type AS "Value" """)
            .ToListAsync(cancellationToken))
        {
            await channel.QueueUnbindAsync(identity.Name, Broker.Exchange, routingKey: type, cancellationToken: cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static DatabaseFacade Database(AsyncServiceScope scope) =>
        scope.ServiceProvider.GetRequiredService<TContext>().Database;
}
