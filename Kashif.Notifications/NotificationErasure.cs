using Kashif.Messaging.Erasure;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications;

/// <summary>Deletes all data of a user.</summary>
internal sealed class NotificationErasure(NotificationsDbContext database, ServiceIdentity service, TimeProvider time) : UserErasure(database, service, time)
{
    private readonly NotificationsDbContext _database = database;

    protected override async Task EraseAsync(Guid userId, CancellationToken cancellationToken)
    {
        // Messages before recipients, like SendService.
        await _database.Database.ExecuteSqlAsync($"SELECT FROM send_requests WHERE user_id = {userId} OR sender = {userId.ToString()} ORDER BY id FOR UPDATE", cancellationToken);

        // Alerts before preferences, like the handlers that fire them.
        await _database.Database.ExecuteSqlAsync($"SELECT FROM alerts WHERE user_id = {userId} ORDER BY id FOR UPDATE", cancellationToken);
        await _database.Alerts.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);

        // It waits for a message that is being written to the user, whose notification then exists.
        await _database.Recipients.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.Preferences.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken); // Waits for a digest that is being written.
        await _database.SendRequests.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.TopicSubscriptions.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.Notifications.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken); // Cascades to their deliveries, held ones too.
        await _database.Deliveries.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken); // Account mails, which have no notification.
        await _database.Devices.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.PendingReports.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.AssistantMessages.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.TemplateVersions.Where(row => row.ChangedBy == userId).ExecuteUpdateAsync(row => row.SetProperty(text => text.ChangedBy, ErasedUser.Id), cancellationToken);
        await _database.Database.ExecuteSqlAsync($"UPDATE send_requests SET sender = {ErasedUser.Id.ToString()}, request_id = id::text WHERE sender = {userId.ToString()}", cancellationToken);
        await _database.InboxHeads.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await InboxWakeUps.SendAsync(_database, [userId], cancellationToken); // Ends the user's streams.
    }
}
