using Kashif.Notifications.Preferences;
using NodaTime;

namespace Kashif.Notifications.Tests;

/// <summary>Quiet hours and digests against a model that looks at the clock on the wall in every minute.</summary>
public sealed class DeliveryScheduleTests
{
    private static readonly Duration Minute = Duration.FromMinutes(1);

    /// <summary>Both ends of the world, half and quarter hours, changes at midnight, changes of half an hour, a month of winter time in summer, a skipped day.</summary>
    public static TheoryData<string> Zones =>
    [
        "Pacific/Kiritimati", "Etc/GMT+12", "Asia/Damascus", "Asia/Gaza", "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe",
        "Africa/Casablanca", "Pacific/Apia", "America/Havana", "Europe/London", "America/Sao_Paulo", "UTC",
    ];

    [Theory]
    [MemberData(nameof(Zones))]
    public void Quiet_hours_end_in_the_first_minute_that_is_not_quiet(string id)
    {
        var zone = DateTimeZoneProviders.Tzdb[id];
        foreach (var now in Instants(zone))
        {
            foreach (var (from, to) in Hours())
            {
                var expected = now;
                while (IsQuiet(expected.InZone(zone).TimeOfDay, from, to))
                {
                    expected += Minute;
                }

                new QuietHours(from, to, zone).EndAfter(now).ShouldBe(expected, $"{from}–{to} at {now.InZone(zone)}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Zones))]
    public void A_daily_digest_is_due_when_the_clock_first_passes_its_time_on_a_day(string id)
    {
        var zone = DateTimeZoneProviders.Tzdb[id];
        foreach (var now in Instants(zone))
        {
            foreach (var (at, _) in Hours())
            {
                var schedule = new DeliverySchedule(QuietHours: null, DigestFrequency.Daily, at, zone, PausedUntil: null);

                schedule.EmailAt(now).ShouldBe(NextPass(now, at, zone), $"{at} at {now.InZone(zone)}");
                schedule.PushAt(now).ShouldBe(now);
            }
        }
    }

    [Theory]
    [InlineData("UTC", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z")]
    [InlineData("UTC", "2026-03-01T10:59:59Z", "2026-03-01T11:00:00Z")]
    [InlineData("Asia/Kolkata", "2026-03-01T10:00:00Z", "2026-03-01T10:30:00Z")]
    [InlineData("Asia/Kathmandu", "2026-03-01T10:20:00Z", "2026-03-01T11:15:00Z")]
    public void An_hourly_digest_is_due_at_the_full_hour_of_the_zone(string id, string now, string expected)
    {
        var schedule = new DeliverySchedule(QuietHours: null, DigestFrequency.Hourly, LocalTime.Noon, DateTimeZoneProviders.Tzdb[id], PausedUntil: null);

        schedule.EmailAt(At(now)).ShouldBe(At(expected));
    }

    [Theory]
    [InlineData("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")] // neither
    [InlineData("2026-03-01T23:00:00Z", "2026-03-02T07:00:00Z")] // quiet hours
    [InlineData("2026-03-04T12:00:00Z", "2026-03-04T15:00:00Z")] // the pause
    [InlineData("2026-03-04T23:00:00Z", "2026-03-05T07:00:00Z", "2026-03-05T02:00:00Z")] // the pause ends in quiet hours
    [InlineData("2026-03-04T23:00:00Z", "2026-03-05T09:00:00Z", "2026-03-05T09:00:00Z")] // the pause outlasts them
    public void A_push_waits_for_the_end_of_quiet_hours_and_of_the_pause(string now, string expected, string paused = "2026-03-04T15:00:00Z")
    {
        var quiet = new QuietHours(new LocalTime(22, 0), new LocalTime(7, 0), DateTimeZone.Utc);
        var until = At(now) < At("2026-03-04T00:00:00Z") ? (Instant?)null : At(paused);

        new DeliverySchedule(quiet, DigestFrequency.None, LocalTime.Noon, DateTimeZone.Utc, until).PushAt(At(now)).ShouldBe(At(expected));
    }

    private static Instant NextPass(Instant now, LocalTime at, DateTimeZone zone)
    {
        var latest = LocalDateTime.MinIsoValue;
        for (var minute = now - Duration.FromDays(2); ; minute += Minute)
        {
            var local = minute.InZone(zone).LocalDateTime;
            var last = local.Date + at <= local ? local.Date + at : local.Date.PlusDays(-1) + at;
            if (minute > now && last > latest)
            {
                return minute;
            }

            latest = LocalDateTime.Max(latest, local);
        }
    }

    private static bool IsQuiet(LocalTime time, LocalTime from, LocalTime to) => from < to ? from <= time && time < to : from <= time || time < to;

    /// <summary>Around the changes of the clock since 2010, and others.</summary>
    private static IEnumerable<Instant> Instants(DateTimeZone zone)
    {
        var random = new Random(4711);
        var (start, end) = (Instant.FromUtc(2010, 1, 1, 0, 0), Instant.FromUtc(2026, 12, 31, 0, 0));
        var changes = zone.GetZoneIntervals(start, end).Where(interval => interval.HasStart && interval.Start > start).Select(interval => interval.Start).ToArray();
        random.Shuffle(changes);
        foreach (var change in changes.Take(6).Append(Instant.FromUtc(2026, 6, 1, 0, 0)))
        {
            for (var count = 0; count < 4; count++)
            {
                yield return change + Duration.FromMinutes(random.Next(-26 * 60, 4 * 60));
            }

            yield return change;
            yield return change - Minute;
        }
    }

    private static IEnumerable<(LocalTime From, LocalTime To)> Hours()
    {
        var random = new Random(42);
        yield return (new LocalTime(22, 0), new LocalTime(7, 0));
        yield return (new LocalTime(0, 30), new LocalTime(2, 30));
        yield return (new LocalTime(2, 15), new LocalTime(2, 45));
        yield return (new LocalTime(23, 30), new LocalTime(0, 0));
        yield return (LocalTime.Midnight, new LocalTime(0, 15));
        for (var count = 0; count < 4; count++)
        {
            var from = random.Next(24 * 60);
            yield return (LocalTime.Midnight.PlusMinutes(from), LocalTime.Midnight.PlusMinutes(from + 1 + random.Next((24 * 60) - 1)));
        }
    }

    private static Instant At(string text) => NodaTime.Text.InstantPattern.ExtendedIso.Parse(text).Value;
}
