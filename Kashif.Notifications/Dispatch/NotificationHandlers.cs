using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;

namespace Kashif.Notifications.Dispatch;

/// <summary>Notifies the user of an event.</summary>
internal sealed class NotificationHandler<TEvent>(NotificationWriter writer, EventNotification<TEvent> notification) : IEventHandler<TEvent>
    where TEvent : IIntegrationEvent
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken)
    {
        writer.Add(notification.Drafts(events));
        return Task.CompletedTask;
    }
}

/// <summary>Notifies the followers of a report, or of an area.</summary>
internal sealed class FollowerNoticeHandler(NotificationWriter writer) : IEventHandler<ReportFollowerNotice>, IEventHandler<AreaFollowerNotice>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportFollowerNotice>> events, CancellationToken cancellationToken)
    {
        writer.Add(events.SelectMany(EventNotifications.FollowerNotices));
        return Task.CompletedTask;
    }

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<AreaFollowerNotice>> events, CancellationToken cancellationToken)
    {
        writer.Add(events.SelectMany(EventNotifications.AreaFollowerNotices));
        return Task.CompletedTask;
    }
}

/// <summary>Stores a new user's language, then welcomes them in it.</summary>
internal sealed class WelcomeHandler(NotificationsDbContext database, NotificationWriter writer) : IEventHandler<UserRegistered>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserRegistered>> events, CancellationToken cancellationToken)
    {
        await Recipient.SaveAsync(
            database,
            events.Select(received => new Recipient
            {
                UserId = received.Data.UserId,
                Language = received.Data.Language,
                Email = received.Data.Email,
                OccurredAt = received.Time,
            }),
            cancellationToken);
        writer.Add(EventNotifications.UserRegistered.Drafts(events));
    }
}

/// <summary>Updates a user's address and preferences.</summary>
internal sealed class RecipientHandler(NotificationsDbContext database) : IEventHandler<UserUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<UserUpdated>> events, CancellationToken cancellationToken) => Recipient.SaveAsync(
        database,
        events.Select(received => new Recipient
        {
            UserId = received.Data.UserId,
            Language = received.Data.Language,
            Email = received.Data.Email,
            PushEnabled = received.Data.Channels.Contains(ChannelNames.Push),
            EmailEnabled = received.Data.Channels.Contains(ChannelNames.Email),
            OccurredAt = received.Time,
        }),
        cancellationToken);
}
