using System.Text.Json;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using NodaTime;

namespace Kashif.Notifications.Preferences;

/// <summary>What a user wants to receive when. Users without a row have the defaults. Auth has the switches of whole channels, see <see cref="Recipient"/>.</summary>
internal sealed class UserPreferences
{
    public const int MaxTimeZoneLength = 50;
    public static readonly TimeOnly DefaultDigestAt = new(8, 0);

    public Guid UserId { get; init; }

    /// <summary>The channels that the user has chosen, by type or <see cref="NotificationTypes.Others"/>: a JSON object of <see cref="TypePreference"/>.</summary>
    public string Types { get; init; } = "{}";
    public TimeOnly? QuietFrom { get; init; }
    public TimeOnly? QuietTo { get; init; }

    /// <summary>In the IANA database; of the quiet hours and of <see cref="DigestAt"/>.</summary>
    public string TimeZone { get; init; } = DateTimeZone.Utc.Id;
    public DigestFrequency Digest { get; init; }
    public TimeOnly DigestAt { get; init; } = DefaultDigestAt;
    public DateTimeOffset? PausedUntil { get; init; }

    /// <returns>Null if the user has chosen nothing for the type.</returns>
    public TypePreference? ChoiceOf(string type)
    {
        var chosen = TypePreferences;
        return chosen.GetValueOrDefault(type) ?? chosen.GetValueOrDefault(NotificationTypes.Others);
    }

    public Dictionary<string, TypePreference> TypePreferences => JsonSerializer.Deserialize(Types, NotificationsJson.Default.DictionaryStringTypePreference) ?? [];

    private DeliverySchedule Schedule
    {
        get
        {
            // A zone that a newer version of the database no longer has.
            var zone = DateTimeZoneProviders.Tzdb.GetZoneOrNull(TimeZone) ?? DateTimeZone.Utc;
            var quiet = QuietFrom is { } from && QuietTo is { } to ? new QuietHours(LocalTime.FromTimeOnly(from), LocalTime.FromTimeOnly(to), zone) : null;
            return new DeliverySchedule(quiet, Digest, LocalTime.FromTimeOnly(DigestAt), zone, PausedUntil is { } until ? Instant.FromDateTimeOffset(until) : null);
        }
    }

    /// <summary>When a push and an e-mail for a notification of this instant are due.</summary>
    public (DateTimeOffset Push, DateTimeOffset Email) DueAt(DateTimeOffset now)
    {
        var schedule = Schedule;
        var instant = Instant.FromDateTimeOffset(now);
        return (schedule.PushAt(instant).ToDateTimeOffset(), schedule.EmailAt(instant).ToDateTimeOffset());
    }

    /// <summary>The preferences of these users, locked until the transaction ends: they do not change before what they decide is written.</summary>
    public static async Task<Dictionary<Guid, UserPreferences>> LoadAsync(NotificationsDbContext database, Guid[] users, CancellationToken cancellationToken) =>
        (await database.Preferences
            .FromSql($"SELECT * FROM preferences WHERE user_id = ANY({users}) ORDER BY user_id FOR SHARE")
            .AsNoTracking()
            .ToListAsync(cancellationToken))
        .ToDictionary(preferences => preferences.UserId);
}

internal sealed class UserPreferencesConfiguration : IEntityTypeConfiguration<UserPreferences>
{
    public void Configure(EntityTypeBuilder<UserPreferences> builder)
    {
        builder.ToTable("preferences");
        builder.HasKey(preferences => preferences.UserId);
        builder.Property(preferences => preferences.UserId).ValueGeneratedNever();
        builder.Property(preferences => preferences.Types).HasColumnType("jsonb");
        builder.Property(preferences => preferences.TimeZone).HasMaxLength(UserPreferences.MaxTimeZoneLength);
        builder.Property(preferences => preferences.Digest).HasMaxLength(10).HasConversion(digest => Text(digest), text => Enum.Parse<DigestFrequency>(text, ignoreCase: true));
        builder.Ignore(preferences => preferences.TypePreferences);
    }

    public static string Text(DigestFrequency digest) => digest.ToString().ToLowerInvariant();
}
