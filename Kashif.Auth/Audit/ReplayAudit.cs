using System.Globalization;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;

namespace Kashif.Auth.Audit;

/// <summary>Records who put dead letters of any service back.</summary>
internal sealed class ReplayAudit(AuditLog audit) : IEventHandler<DeadLettersReplayed>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<DeadLettersReplayed>> events, CancellationToken cancellationToken)
    {
        foreach (var replayed in events.Select(received => received.Data))
        {
            audit.Record(Guid.Empty, AuditActions.DeadLettersReplayed, DetailsOf(replayed), replayed.ActorId);
        }

        return Task.CompletedTask;
    }

    private static Dictionary<string, string> DetailsOf(DeadLettersReplayed replayed)
    {
        var details = new Dictionary<string, string>
        {
            ["service"] = replayed.Service,
            ["count"] = replayed.Count.ToString(CultureInfo.InvariantCulture),
            ["edited"] = replayed.Edited ? "true" : "false",
        };
        foreach (var (name, value) in new[] { ("event_type", replayed.EventType), ("exception", replayed.Exception), ("event_id", replayed.EventId?.ToString()) })
        {
            if (value is not null)
            {
                details[name] = value;
            }
        }

        return details;
    }
}
