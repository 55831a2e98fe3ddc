using System.Globalization;
using System.Text;
using Ical.Net;
using Ical.Net.CalendarComponents;
using Ical.Net.DataTypes;
using Ical.Net.Serialization;
using Kashif.Reporting.Visits;
using NodaTime;
using Calendar = Ical.Net.Calendar;

namespace Kashif.Reporting.Calendars;

/// <summary>A visit for a calendar.</summary>
/// <param name="Title">What it is about.</param>
/// <param name="Place">An address, or coordinates; null for none.</param>
/// <param name="Text">More of it; null for none.</param>
internal sealed record CalendarEntry(Visit Visit, string Title, string? Place, string? Text);

/// <summary>Writes iCalendar (RFC 5545).</summary>
internal static class CalendarDocument
{
    public const string ContentType = "text/calendar; charset=utf-8";

    /// <summary>In octets, without the line break (RFC 5545 section 3.1).</summary>
    private const int MaxLine = 75;

    private const string Product = "-//Kashif//Visits//EN";

    /// <param name="name">The calendar's name in apps.</param>
    /// <param name="zone">The city's time zone.</param>
    public static string Write(string name, IReadOnlyList<CalendarEntry> entries, DateTimeZone zone, DateTimeOffset now)
    {
        var calendar = new Calendar { ProductId = Product };
        calendar.AddProperty("X-WR-CALNAME", Clean(name) ?? "");
        if (!IsUtc(zone))
        {
            // Its rules from the first visit on, or from now.
            var first = entries.Select(entry => entry.Visit.StartsAt).Append(now).Min().AddDays(-1);
            calendar.AddTimeZone(VTimeZone.FromDateTimeZone(zone.Id, Instant.FromDateTimeOffset(first).InZone(zone).ToDateTimeUnspecified(), includeHistoricalData: false));
        }

        foreach (var entry in entries)
        {
            calendar.Events.Add(ToEvent(entry, zone));
        }

        return Refold(new CalendarSerializer().SerializeToString(calendar) ?? "");
    }

    /// <summary>Ical.Net folds by UTF-16 code units: it splits characters such as emoji, of which UTF-8 then has no half.</summary>
    private static string Refold(string text)
    {
        var folded = new StringBuilder(text.Length);
        foreach (var line in text.Replace("\r\n ", "", StringComparison.Ordinal).Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var bytes = 0;
            foreach (var rune in line.EnumerateRunes())
            {
                if (bytes + rune.Utf8SequenceLength > MaxLine)
                {
                    folded.Append("\r\n ");
                    bytes = 1;
                }

                folded.Append(rune);
                bytes += rune.Utf8SequenceLength;
            }

            folded.Append("\r\n");
        }

        return folded.ToString();
    }

    /// <summary>Without control characters, which a calendar may not have.</summary>
    private static string? Clean(string? text) =>
        text is null ? null : string.Concat(text.ReplaceLineEndings("\n").Where(character => character is '\n' or '\t' || !char.IsControl(character)));

    private static CalendarEvent ToEvent(CalendarEntry entry, DateTimeZone zone)
    {
        var visit = entry.Visit;
        return new CalendarEvent
        {
            Uid = $"{visit.Id}@kashif",
            Sequence = visit.Sequence,
            DtStamp = Utc(visit.UpdatedAt),
            Created = Utc(visit.CreatedAt),
            LastModified = Utc(visit.UpdatedAt),
            Start = Local(visit.StartsAt, zone),
            End = Local(visit.EndsAt, zone),
            Summary = Clean(entry.Title),
            Location = Clean(entry.Place),
            Description = Clean(entry.Text),
            Status = visit.State switch
            {
                VisitState.Proposed => EventStatus.Tentative,
                VisitState.Confirmed or VisitState.Completed => EventStatus.Confirmed,
                _ => EventStatus.Cancelled,
            },
        };
    }

    private static CalDateTime Utc(DateTimeOffset time) => new(time.UtcDateTime.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond)), CalDateTime.UtcTzId);

    /// <summary>
    /// The local time. In the hour that clocks repeat, a local time means the first one (RFC 5545 section 3.3.5): the second is written in UTC.
    /// </summary>
    private static CalDateTime Local(DateTimeOffset time, DateTimeZone zone)
    {
        var instant = Instant.FromDateTimeOffset(time);
        var local = instant.InZone(zone).LocalDateTime;
        return IsUtc(zone) || zone.MapLocal(local).First().ToInstant() != instant ? Utc(time) : new(local.ToDateTimeUnspecified(), zone.Id);
    }

    /// <summary>By its id: the zone <c>UTC</c> of the time zone database is another object than <see cref="DateTimeZone.Utc"/>.</summary>
    private static bool IsUtc(DateTimeZone zone) => zone.Id == DateTimeZone.Utc.Id;

    public static string Coordinates(double latitude, double longitude) => string.Create(CultureInfo.InvariantCulture, $"{latitude:0.######}, {longitude:0.######}");
}
