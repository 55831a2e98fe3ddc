using Kashif.Events;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Inbox;

/// <summary>Tells the user what an event says.</summary>
internal sealed class NotificationHandler<TEvent>(NotificationWriter writer, EventTemplate<TEvent> template) : IEventHandler<TEvent>
    where TEvent : IIntegrationEvent
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<TEvent>> events, CancellationToken cancellationToken) =>
        writer.WriteAsync(events, template, cancellationToken);

    public Task CommittedAsync(CancellationToken cancellationToken)
    {
        writer.Committed();
        return Task.CompletedTask;
    }
}

/// <summary>Learns the new user's language before it welcomes them in it.</summary>
internal sealed class WelcomeHandler(NotificationsDbContext database, NotificationWriter writer) : IEventHandler<UserRegistered>
{
    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserRegistered>> events, CancellationToken cancellationToken)
    {
        // Sorted, so that two batches which share users wait for each other instead of locking each other out.
        var users = events.Select(received => received.Data).OrderBy(user => user.UserId).ToList();
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO recipients (user_id, language)
            SELECT * FROM unnest({users.ConvertAll(user => user.UserId)}, {users.ConvertAll(user => user.Language)})
            ON CONFLICT DO NOTHING
            """, cancellationToken);
        await writer.WriteAsync(events, EventTemplates.UserRegistered, cancellationToken);
    }

    public Task CommittedAsync(CancellationToken cancellationToken)
    {
        writer.Committed();
        return Task.CompletedTask;
    }
}
