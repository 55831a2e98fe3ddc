using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;

namespace Kashif.Gamification.Points;

/// <summary>Names the reports of a batch whose points change.</summary>
internal sealed class AwardHandler(Awards awards) : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken)
    {
        foreach (var e in events)
        {
            awards.Add(e.Data.ReportId, e.Id, e.Cause);
        }

        return Task.CompletedTask;
    }

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken)
    {
        foreach (var e in events)
        {
            awards.Add(e.Data.ReportId, e.Id, e.Cause);
        }

        return Task.CompletedTask;
    }
}
