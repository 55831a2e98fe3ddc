using System.Runtime.CompilerServices;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Delivery;

/// <summary>Queues deliveries.</summary>
internal static class DeliveryInsert
{
    private const string Sql = """

        INSERT INTO deliveries (channel, notification_id, device_id, state, priority, attempts, next_attempt_at, updated_at, expires_at)
        SELECT 'push', wanted.id, devices.id, 'queued', priority, 0, now, now, expires_at FROM wanted JOIN devices USING (user_id) WHERE push_at <= now
        UNION ALL
        SELECT 'email', wanted.id, NULL, 'queued', priority, 0, now, now, expires_at FROM wanted WHERE email_at <= now
        """;

    /// <summary>Queues what is due of the notifications in <c>wanted</c>: a push to each device of the user, and an e-mail.</summary>
    /// <param name="query">
    /// A <c>WITH</c> that ends with <c>wanted (id, user_id, priority, expires_at, push_at, email_at, now)</c>. The times are null for a channel that the user does not want.
    /// </param>
    /// <returns>The number of deliveries.</returns>
    public static Task<int> ExecuteAsync(NotificationsDbContext database, FormattableString query, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync(FormattableStringFactory.Create(query.Format + Sql, query.GetArguments()), cancellationToken);
}
