using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;

namespace Kashif.Gamification.History;

/// <summary>Keeps the events of reports, for the achievements of this batch too.</summary>
internal sealed class ReportHistory(GamificationDbContext database, AchievementUnlocks achievements)
    : IEventHandler<ReportCreated>, IEventHandler<ReportStatusUpdated>, IEventHandler<ReportUpdated>, IEventHandler<ReportDeleted>, IEventHandler<ReportMerged>,
        IEventHandler<SurveyAnswered>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportCreated>> events, CancellationToken cancellationToken) =>
        KeepAsync(events, e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportCreated.Type,
            ByOwner = true,
            Version = 1,
            Unnamed = e.Data.Private || e.Data.Anonymous,
            Category = e.Data.Category,
            Latitude = e.Data.Latitude,
            Longitude = e.Data.Longitude,
            At = e.Time,
        });

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) =>
        KeepAsync(events, e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportStatusUpdated.Type,
            Status = e.Data.To,
            ByOwner = e.Data.ChangedBy == e.Data.UserId,
            Version = e.Data.Version,
            Category = e.Data.Category,
            Latitude = e.Data.Latitude,
            Longitude = e.Data.Longitude,
            At = e.Time,
        });

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportUpdated>> events, CancellationToken cancellationToken) =>
        KeepAsync(events, e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportUpdated.Type,
            Unnamed = e.Data.Private || e.Data.Anonymous,
            ByOwner = e.Data.ChangedBy == e.Data.UserId,
            Version = e.Data.Version,
            Category = e.Data.Category,
            Latitude = e.Data.Latitude,
            Longitude = e.Data.Longitude,
            Hidden = e.Data.Hidden,
            At = e.Time,
        });

    /// <summary>A deletion is kept only: it unlocks nothing.</summary>
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportDeleted>> events, CancellationToken cancellationToken)
    {
        database.ReportEvents.AddRange(events.Select(e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportDeleted.Type,
            ByOwner = e.Data.DeletedBy == e.Data.UserId,
            Version = e.Data.Version,
            At = e.Time,
        }));
        return Task.CompletedTask;
    }

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportMerged>> events, CancellationToken cancellationToken) =>
        KeepAsync(events, e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = ReportMerged.Type,
            Version = e.Data.Version,
            OriginalId = e.Data.OriginalId,
            At = e.Time,
        });

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<SurveyAnswered>> events, CancellationToken cancellationToken) =>
        KeepAsync(events, e => new ReportEvent
        {
            Id = e.Id,
            ReportId = e.Data.ReportId,
            UserId = e.Data.UserId,
            Event = SurveyAnswered.Type,
            ByOwner = true,
            Version = e.Data.Version,
            Category = e.Data.Category,
            Latitude = e.Data.Latitude,
            Longitude = e.Data.Longitude,
            At = e.Time,
        });

    private Task KeepAsync<TEvent>(IReadOnlyList<ReceivedEvent<TEvent>> events, Func<ReceivedEvent<TEvent>, ReportEvent> toRow)
        where TEvent : IIntegrationEvent
    {
        foreach (var received in events)
        {
            var row = toRow(received);
            database.ReportEvents.Add(row);
            achievements.Add(row.UserId, row.ReportId, received.Cause);
        }

        return Task.CompletedTask;
    }
}
