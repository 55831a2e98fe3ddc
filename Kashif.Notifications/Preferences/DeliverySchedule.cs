using NodaTime;
using NodaTime.TimeZones;

namespace Kashif.Notifications.Preferences;

/// <summary>How often the e-mails of a user are merged into one.</summary>
public enum DigestFrequency
{
    None,
    Hourly,
    Daily,
}

/// <summary>When a user's pushes and e-mails are due.</summary>
/// <param name="Zone">Of <paramref name="DigestAt"/>.</param>
internal sealed record DeliverySchedule(QuietHours? QuietHours, DigestFrequency Digest, LocalTime DigestAt, DateTimeZone Zone, Instant? PausedUntil)
{
    /// <summary>Where the clock is set forward over the time, the instant when that happens; where it shows the time twice, the first one.</summary>
    private static readonly ZoneLocalMappingResolver OncePerDay = Resolvers.CreateMappingResolver(Resolvers.ReturnEarlier, Resolvers.ReturnStartOfIntervalAfter);

    /// <summary>When a push for a notification of this instant is due.</summary>
    public Instant PushAt(Instant now) => EndOfSilence(now);

    /// <summary>When an e-mail for a notification of this instant is due.</summary>
    public Instant EmailAt(Instant now) => EndOfSilence(Digest switch
    {
        DigestFrequency.None => now,
        DigestFrequency.Hourly => NextHour(now),
        _ => NextDay(now),
    });

    private Instant EndOfSilence(Instant instant)
    {
        var unpaused = PausedUntil > instant ? PausedUntil.Value : instant;
        return QuietHours?.EndAfter(unpaused) ?? unpaused;
    }

    private Instant NextHour(Instant now)
    {
        var time = now.InZone(Zone).TimeOfDay;
        return now + Duration.FromHours(1) - Duration.FromTicks(time.TickOfDay % NodaConstants.TicksPerHour);
    }

    private Instant NextDay(Instant now)
    {
        for (var date = now.InZone(Zone).Date.PlusDays(-1); ; date = date.PlusDays(1))
        {
            var at = Zone.ResolveLocal(date + DigestAt, OncePerDay).ToInstant();
            if (at > now)
            {
                return at;
            }
        }
    }
}
