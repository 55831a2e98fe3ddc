using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;

namespace Kashif.Gamification.Points;

internal sealed class ReportCreatedAwards(Awards awards) : IEventHandler<ReportCreated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) =>
        awards.AwardAsync(
            [.. events.Select(e => new AwardTrigger(ReportCreated.Type, null, e.Data.UserId, e.Data.ReportId, e.Time, e.Cause)
            {
                Category = e.Data.Category,
                Latitude = e.Data.Latitude,
                Longitude = e.Data.Longitude,
            })],
            cancellationToken);
}

/// <summary>Reporters earn no points for their own status changes, whatever their role.</summary>
internal sealed class ReportStatusAwards(Awards awards) : IEventHandler<ReportStatusUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) =>
        awards.AwardAsync(
            [.. from e in events
                where e.Data.ChangedBy != e.Data.UserId
                select new AwardTrigger(ReportStatusUpdated.Type, e.Data.To, e.Data.UserId, e.Data.ReportId, e.Time, e.Cause)
                {
                    Category = e.Data.Category,
                    Latitude = e.Data.Latitude,
                    Longitude = e.Data.Longitude,
                }],
            cancellationToken);
}
