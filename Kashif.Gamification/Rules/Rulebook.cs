using Kashif.Gamification.Areas;
using Kashif.Gamification.History;
using NodaTime;

namespace Kashif.Gamification.Rules;

/// <summary>Versions of the rules, in the order of their activation.</summary>
internal sealed class Rulebook(IReadOnlyList<RuleVersion> versions, IReadOnlyCollection<Area> areas, DateTimeZone zone)
{
    /// <summary>The version that was active at the time of an event, so that it is judged the same whenever it arrives.</summary>
    public RuleVersion At(DateTimeOffset time) => versions.LastOrDefault(version => version.ActivatedAt <= time) ?? versions[0];

    public RuleVersion? Find(int number) => versions.FirstOrDefault(version => version.Version == number);

    public string? AreaOf(ReportEvent entry) => Area.Of(entry.Latitude, entry.Longitude, areas);

    /// <summary>
    /// The line of each rule that applies to an event, one a code: that for the category and the area, else for the category, else for
    /// the area, else for all. Of two such lines the one with a window applies, then the first in the list.
    /// </summary>
    /// <param name="category">The report's category now: staff may have corrected it since the event.</param>
    public IEnumerable<RuleLine> LinesFor(ReportEvent entry, string? category, string? area) =>
        from line in At(entry.At).Lines
        where line.Event == entry.Event && (line.Status is null || line.Status == entry.Status) && Covers(line, category, area) && IsOpen(line, entry.At)
        group line by line.Code into lines
        select MostSpecific(lines);

    public static bool Covers(RuleLine line, string? category, string? area) =>
        (line.Category is null || line.Category == category) && (line.Area is null || line.Area == area);

    public static RuleLine MostSpecific(IEnumerable<RuleLine> lines) =>
        lines.OrderByDescending(line => line.Category is not null).ThenByDescending(line => line.Area is not null)
            .ThenByDescending(line => line.HasWindow).ThenBy(line => line.Number).First();

    private bool IsOpen(RuleLine line, DateTimeOffset time)
    {
        if (!line.HasWindow)
        {
            return true;
        }

        var local = Instant.FromDateTimeOffset(time).InZone(zone).LocalDateTime;
        var (day, clock) = (local.Date.ToDateOnly(), local.TimeOfDay.ToTimeOnly());
        if (line.UntilTime < line.FromTime && clock < line.UntilTime)
        {
            day = day.AddDays(-1); // the window began on the day before
        }

        return day >= (line.FromDay ?? DateOnly.MinValue) && day <= (line.UntilDay ?? DateOnly.MaxValue)
            && line.Days?.Contains(day.DayOfWeek) != false
            && (line is not { FromTime: { } from, UntilTime: { } until } || clock.IsBetween(from, until));
    }
}
