using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Templates;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using NodaTime;

namespace Kashif.Notifications.Preferences;

/// <summary>What a user wants to receive when.</summary>
/// <param name="Types" example='{"points.awarded": {"push": false, "email": false}}'>The channels of each type of notification. In a request, types that are left out have those of `*`, for later types too, or without it their defaults. The inbox has everything.</param>
/// <param name="QuietHours">Hours without pushes and e-mails. Null: none.</param>
/// <param name="Digest">Whether e-mails are merged into one an hour or a day.</param>
/// <param name="DigestAt" example="08:00">When the daily digest is sent, on the clock of `time_zone`; 08:00 if it is left out.</param>
/// <param name="TimeZone" example="Asia/Damascus">The time zone of `digest_at`, by its IANA name. Left out: that of the quiet hours, else UTC.</param>
/// <param name="PausedUntil" example="2027-03-01T09:00:00Z">No pushes and e-mails until this time, at most a year away. Null: no pause.</param>
public sealed record NotificationPreferences(
    Dictionary<string, TypePreference>? Types = null,
    QuietHoursPreference? QuietHours = null,
    DigestFrequency Digest = DigestFrequency.None,
    [RegularExpression(QuietHoursPreference.TimePattern, ErrorMessage = QuietHoursPreference.InvalidTime)] string? DigestAt = null,
    [Text(UserPreferences.MaxTimeZoneLength)] string? TimeZone = null,
    DateTimeOffset? PausedUntil = null);

/// <summary>The channels of a type besides the inbox.</summary>
/// <param name="Push" example="true">Whether it is pushed to devices.</param>
/// <param name="Email" example="false">Whether it is mailed, to users who have e-mails turned on in their account.</param>
public sealed record TypePreference(bool Push, bool Email);

/// <summary>Hours without pushes and e-mails, every day.</summary>
/// <param name="From" example="22:00">The first minute, on the local clock.</param>
/// <param name="To" example="07:00">The minute when they end. Before `from`: on the next day.</param>
/// <param name="TimeZone" example="Asia/Damascus">The time zone, by its IANA name.</param>
public sealed record QuietHoursPreference(
    [property: Required, RegularExpression(QuietHoursPreference.TimePattern, ErrorMessage = QuietHoursPreference.InvalidTime)] string From,
    [property: Required, RegularExpression(QuietHoursPreference.TimePattern, ErrorMessage = QuietHoursPreference.InvalidTime)] string To,
    [property: Text(1, UserPreferences.MaxTimeZoneLength)] string TimeZone)
{
    internal const string TimePattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$";
    internal const string InvalidTime = "Must be a time of day such as 22:00.";
}

/// <summary>A user's preferences for notifications.</summary>
internal static class PreferenceEndpoints
{
    private const string UnknownZone = "Unknown time zone. Send an IANA name such as Asia/Damascus.";
    private static readonly TimeSpan LongestPause = TimeSpan.FromDays(366);

    public static IEndpointRouteBuilder MapPreferences(this IEndpointRouteBuilder endpoints)
    {
        var preferences = endpoints.MapGroup($"{NotificationsExtensions.Root}/preferences").WithTags("Notifications").RequireAuthorization();
        preferences.MapGet("", GetAsync).WithName("GetNotificationPreferences").WithSummary("Get my channels, quiet hours, digest and pause");
        preferences.MapPut("", PutAsync).DisableValidation().WithName("ChangeNotificationPreferences").WithSummary("Set my channels, quiet hours, digest and pause")
            .WithDescription("Replaces all of them. Pushes and e-mails of quiet hours or a pause are kept and merged when it ends. Notifications of high priority and e-mails about account security are sent at once.");
        return preferences;
    }

    private static async Task<Ok<NotificationPreferences>> GetAsync(
        HttpContext http, NotificationsDbContext database, TemplateCatalog templates, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var stored = await database.Preferences.AsNoTracking().SingleOrDefaultAsync(preferences => preferences.UserId == user, cancellationToken);
        return TypedResults.Ok(ToResponse(stored ?? new UserPreferences { UserId = user }, NotificationTypes.Of(templates.Current)));
    }

    private static async Task<Results<Ok<NotificationPreferences>, ValidationProblem>> PutAsync(
        NotificationPreferences request, HttpContext http, NotificationsDbContext database, TemplateCatalog templates, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await templates.FindNewAsync((request.Types ?? []).Keys, cancellationToken);
        var types = NotificationTypes.Of(templates.Current);
        if ((await ErrorsAsync(request, http, types, now)).ToProblem() is { } invalid)
        {
            return invalid;
        }

        var preferences = new UserPreferences
        {
            UserId = http.User.UserId,
            Types = JsonSerializer.Serialize(request.Types ?? [], NotificationsJson.Default.DictionaryStringTypePreference),
            QuietFrom = Time(request.QuietHours?.From),
            QuietTo = Time(request.QuietHours?.To),
            TimeZone = request.QuietHours?.TimeZone ?? request.TimeZone ?? DateTimeZone.Utc.Id,
            Digest = request.Digest,
            DigestAt = Time(request.DigestAt) ?? UserPreferences.DefaultDigestAt,
            PausedUntil = request.PausedUntil > now ? request.PausedUntil : null,
        };
        var (pushAt, emailAt) = preferences.DueAt(now);
        string[] known = [.. types.Keys, NotificationTypes.Others, NotificationTypes.Digest]; // Unsubscribing may have stored codes that are deleted.
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO preferences (user_id, types, quiet_from, quiet_to, time_zone, digest, digest_at, paused_until)
            VALUES ({preferences.UserId}, {preferences.Types}::jsonb, {preferences.QuietFrom}, {preferences.QuietTo}, {preferences.TimeZone},
                {UserPreferencesConfiguration.Text(preferences.Digest)}, {preferences.DigestAt}, {preferences.PausedUntil})
            ON CONFLICT (user_id) DO UPDATE SET types = (preferences.types - {known}) || excluded.types, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
                time_zone = excluded.time_zone, digest = excluded.digest, digest_at = excluded.digest_at, paused_until = excluded.paused_until
            """, cancellationToken);

        // What waits goes by the new preferences, such as a pause that is over.
        await database.Database.ExecuteSqlAsync($"""
            DELETE FROM held_deliveries USING notifications, preferences
            WHERE id = notification_id AND held_deliveries.user_id = {preferences.UserId} AND preferences.user_id = {preferences.UserId}
                AND NOT COALESCE((types -> type ->> channel)::boolean, (types -> '*' ->> channel)::boolean, TRUE)
            """, cancellationToken);
        await database.Database.ExecuteSqlAsync($"""
            UPDATE held_deliveries SET release_at = CASE channel WHEN {ChannelNames.Push} THEN {pushAt} ELSE {emailAt} END WHERE user_id = {preferences.UserId}
            """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Ok(ToResponse(preferences, types));
    }

    private static async Task<FieldErrors> ErrorsAsync(NotificationPreferences request, HttpContext http, OrderedDictionary<string, TypePreference> types, DateTimeOffset now)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        foreach (var (type, channels) in request.Types ?? [])
        {
            errors.Add($"types.{type}", type == NotificationTypes.Others || types.ContainsKey(type) ? channels is null ? "Send push and email." : null : "Unknown type. GET the preferences for all types.");
        }

        // The pattern's attribute accepts an empty text, and a line break at the end.
        errors.Add("digest_at", EndsOddly(request.DigestAt) ? QuietHoursPreference.InvalidTime : null);
        if (request.QuietHours is { } quiet)
        {
            errors.Add("quiet_hours.from", EndsOddly(quiet.From) ? QuietHoursPreference.InvalidTime : null);
            errors.Add("quiet_hours.to", EndsOddly(quiet.To) ? QuietHoursPreference.InvalidTime : null);
            errors.Add("quiet_hours.time_zone", IsZone(quiet.TimeZone) ? null : UnknownZone);
            errors.Add("quiet_hours.to", quiet.From == quiet.To ? "Must differ from the start." : null);
            errors.Add("time_zone", request.TimeZone is null || request.TimeZone == quiet.TimeZone ? null : "Must be the time zone of the quiet hours.");
        }
        else
        {
            errors.Add("time_zone", request.TimeZone is null || IsZone(request.TimeZone) ? null : UnknownZone);
        }

        errors.Add("paused_until", request.PausedUntil > now + LongestPause ? "At most a year away." : null);
        return errors;
    }

    private static bool EndsOddly(string? time) => time is "" || time?.EndsWith('\n') == true;

    private static bool IsZone(string? name) => name is not null && DateTimeZoneProviders.Tzdb.GetZoneOrNull(name) is not null;

    private static TimeOnly? Time(string? text) => text is null ? null : TimeOnly.ParseExact(text, "HH:mm", CultureInfo.InvariantCulture);

    private static string Text(TimeOnly time) => time.ToString("HH:mm", CultureInfo.InvariantCulture);

    public static NotificationPreferences ToResponse(UserPreferences preferences, OrderedDictionary<string, TypePreference> defaults)
    {
        var chosen = preferences.TypePreferences;
        var others = chosen.GetValueOrDefault(NotificationTypes.Others);
        var types = defaults.ToDictionary(type => type.Key, type => chosen.GetValueOrDefault(type.Key) ?? others ?? type.Value);
        if (others is not null)
        {
            types[NotificationTypes.Others] = others;
        }

        return new NotificationPreferences(
            types,
            preferences is { QuietFrom: { } from, QuietTo: { } to } ? new QuietHoursPreference(Text(from), Text(to), preferences.TimeZone) : null,
            preferences.Digest,
            Text(preferences.DigestAt),
            preferences.TimeZone,
            preferences.PausedUntil);
    }
}
