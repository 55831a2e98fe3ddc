using Kashif.Http;
using Kashif.Notifications.Data;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Templates;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Inbox;

/// <param name="Language">The user's language; null if this service does not know the user.</param>
/// <param name="Devices">Without their tokens, which are secrets.</param>
internal sealed record UserNotifications(
    string? Language, string? Email, IAsyncEnumerable<DeviceResponse> Devices, IAsyncEnumerable<string> Topics, IAsyncEnumerable<NotificationResponse> Notifications);

internal static class NotificationExport
{
    public static void MapNotificationExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(ExportAsync);

    private static async Task<Ok<UserNotifications>> ExportAsync(Guid id, NotificationsDbContext database, TemplateRenderer renderer, CancellationToken cancellationToken)
    {
        var recipient = await database.Recipients.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == id, cancellationToken);
        return TypedResults.Ok(new UserNotifications(
            recipient?.Language,
            recipient?.Email,
            database.Devices.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Id).AsAsyncEnumerable()
                .Select(row => new DeviceResponse(row.DeviceType, row.RegisteredAt)),
            database.TopicSubscriptions.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Topic).AsAsyncEnumerable().Select(row => row.Topic),
            database.Notifications.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Id).AsAsyncEnumerable()
                .Select(row => NotificationEndpoints.ToResponse(row, renderer, recipient?.Language))));
    }
}
