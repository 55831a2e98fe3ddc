using Kashif.Http;
using Kashif.Notifications.Alerts;
using Kashif.Notifications.Assistant;
using Kashif.Notifications.Data;
using Kashif.Notifications.Devices;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;
using Kashif.Notifications.Templates;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications;

/// <param name="Language">The user's language; null if this service does not know the user.</param>
/// <param name="Preferences">Null for the defaults.</param>
/// <param name="Devices">Without their tokens, which are secrets.</param>
/// <param name="Templates">The texts that the user has changed as an administrator.</param>
internal sealed record UserNotifications(
    string? Language, string? Email, NotificationPreferences? Preferences, IAsyncEnumerable<DeviceResponse> Devices, IAsyncEnumerable<string> Topics, IAsyncEnumerable<NotificationResponse> Notifications,
    IAsyncEnumerable<AlertResponse> Alerts, IAsyncEnumerable<AssistantMessageResponse> AssistantMessages, IAsyncEnumerable<ExportedTemplate> Templates);

internal sealed record ExportedTemplate(string Code, string Language, string Channel, int Version, DateTimeOffset ChangedAt);

internal static class NotificationExport
{
    public static void MapNotificationExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(ExportAsync);

    private static async Task<Ok<UserNotifications>> ExportAsync(Guid id, NotificationsDbContext database, TemplateRenderer renderer, TemplateCatalog templates, CancellationToken cancellationToken)
    {
        var recipient = await database.Recipients.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == id, cancellationToken);
        var preferences = await database.Preferences.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == id, cancellationToken);
        return TypedResults.Ok(new UserNotifications(
            recipient?.Language,
            recipient?.Email,
            preferences is null ? null : PreferenceEndpoints.ToResponse(preferences, NotificationTypes.Of(templates.Current)),
            database.Devices.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Id).AsAsyncEnumerable()
                .Select(row => new DeviceResponse(row.DeviceType, row.RegisteredAt)),
            database.TopicSubscriptions.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Topic).AsAsyncEnumerable().Select(row => row.Topic),
            database.Notifications.AsNoTracking().Where(row => row.UserId == id && row.Folder != Folders.Digest).OrderBy(row => row.Id).AsAsyncEnumerable()
                .Select(row => NotificationEndpoints.ToResponse(row, renderer, recipient?.Language)),
            database.Alerts.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Id).AsAsyncEnumerable().Select(AlertResponse.Of),
            database.AssistantMessages.AsNoTracking().Where(row => row.UserId == id).OrderBy(row => row.Id).AsAsyncEnumerable().Select(AssistantMessageResponse.Of),
            database.TemplateVersions.AsNoTracking().Where(row => row.ChangedBy == id).OrderBy(row => row.Id).AsAsyncEnumerable()
                .Select(row => new ExportedTemplate(row.Code, row.Language, row.Channel, row.Version, row.ChangedAt))));
    }
}
