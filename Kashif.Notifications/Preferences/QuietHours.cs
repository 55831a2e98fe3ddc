using NodaTime;

namespace Kashif.Notifications.Preferences;

/// <summary>
/// Hours of local time without pushes and e-mails. When clocks go back, a repeated hour is quiet both times; when they skip the end, the quiet hours end at
/// the change.
/// </summary>
internal sealed record QuietHours(LocalTime From, LocalTime To, DateTimeZone Zone)
{
    /// <summary>The first instant from this one on that is not quiet.</summary>
    public Instant EndAfter(Instant instant)
    {
        while (Contains(instant.InZone(Zone).TimeOfDay))
        {
            var interval = Zone.GetZoneInterval(instant);
            var now = instant.InZone(Zone).LocalDateTime;
            var end = now.Date + To;
            var ended = (end > now ? end : end.PlusDays(1)).WithOffset(interval.WallOffset).ToInstant();
            instant = interval.HasEnd && interval.End < ended ? interval.End : ended;
        }

        return instant;
    }

    private bool Contains(LocalTime time) => From < To ? time >= From && time < To : time >= From || time < To;
}
