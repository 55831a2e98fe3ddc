using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Kashif.Gamification.Areas;
using Kashif.Http;
using Kashif.Validation;

namespace Kashif.Gamification.Rules;

/// <summary>A draft of the rules.</summary>
/// <param name="Lines">The lines, 1 to 200. For an event, the most specific line of each code applies: category and area, category, area, all.</param>
/// <param name="Note" example="Double points for potholes in December">What is new, for administrators.</param>
public sealed record RulesRequest(
    IReadOnlyList<RuleLineRequest> Lines,
    [Text(RuleVersion.NoteLength)] string? Note = null);

/// <summary>What a rule gives for some reports, once a report.</summary>
/// <param name="Code" example="report_created">The rule's code. The lines of one code share the event, the status and the limits.</param>
/// <param name="Event" example="report.created">What is awarded.</param>
/// <param name="Points" example="10">The points of one award.</param>
/// <param name="Status" example="verified">The status that the report reaches; only with `report.status_updated`.</param>
/// <param name="Category" example="pothole">Only reports of this category; null means all.</param>
/// <param name="Area" example="old_town">Only reports in this area; null means the whole city.</param>
/// <param name="Window">Only at this time; null means always.</param>
/// <param name="Multiplier" example="1.5">Multiplies the points; the result is rounded to a whole number.</param>
/// <param name="DailyLimit" example="100">The most points of this code per user and day (UTC); null means no limit.</param>
/// <param name="WeeklyLimit" example="300">The most points of this code per user and ISO week (UTC); null means no limit.</param>
/// <param name="ExpiresAfterDays" example="365">Points that are not spent by then expire; null for the default of the service.</param>
/// <param name="Vesting">When the points are awarded: at once, or when staff have verified the report.</param>
/// <param name="Reversible" example="true">Whether a report that is rejected or withdrawn loses the points.</param>
public sealed record RuleLineRequest(
    [RegularExpression(RuleLineRequest.CodePattern, ErrorMessage = RuleLineRequest.InvalidCode)] string Code,
    [property: Values("report.created", "report.status_updated", "survey.answered")] string Event,
    [Between(0, 10_000)] int Points,
    [property: Values("verified", "in_progress", "resolved", "duplicate")] string? Status = null,
    [RegularExpression(RuleLineRequest.CodePattern, ErrorMessage = RuleLineRequest.InvalidCode)] string? Category = null,
    [Text(Area.CodeLength)] string? Area = null,
    RuleWindow? Window = null,
    [Between(0.01, 100)] double Multiplier = 1,
    [Between(0, 1_000_000)] int? DailyLimit = null,
    [Between(0, 1_000_000)] int? WeeklyLimit = null,
    [Between(1, 3650)] int? ExpiresAfterDays = null,
    Vesting Vesting = Vesting.Immediate,
    bool Reversible = false)
{
    internal const string CodePattern = "[a-z][a-z0-9_]{0,49}";
    internal const string InvalidCode = "Use a to z, 0 to 9 and _, at most 50 characters, beginning with a letter.";

    internal static RuleLineRequest Of(RuleLine line) => new(
        line.Code, line.Event, line.Points, line.Status, line.Category, line.Area,
        line.HasWindow ? new RuleWindow(line.FromDay, line.UntilDay, line.Days, RuleWindow.Text(line.FromTime), RuleWindow.Text(line.UntilTime)) : null,
        (double)line.Multiplier, line.DailyLimit, line.WeeklyLimit, line.ExpiresAfterDays, line.Vesting, line.Reversible);

    internal RuleLine ToLine(int version, int number) => new()
    {
        Version = version,
        Number = number,
        Code = Code,
        Event = Event,
        Status = Status,
        Category = Category,
        Area = Area,
        FromDay = Window?.From,
        UntilDay = Window?.Until,
        Days = Window?.Days is { } days ? [.. days.Distinct().Order()] : null,
        FromTime = RuleWindow.Time(Window?.HoursFrom),
        UntilTime = RuleWindow.Time(Window?.HoursUntil),
        Points = Points,
        Multiplier = (decimal)Multiplier,
        DailyLimit = DailyLimit,
        WeeklyLimit = WeeklyLimit,
        ExpiresAfterDays = ExpiresAfterDays,
        Vesting = Vesting,
        Reversible = Reversible,
    };
}

/// <summary>When a line applies, on the city's calendar and clock. What is left out does not matter.</summary>
/// <param name="From" example="2026-12-01">The first day.</param>
/// <param name="Until" example="2026-12-31">The last day.</param>
/// <param name="Days" example='["friday", "saturday"]'>Days of the week.</param>
/// <param name="HoursFrom" example="18:00">The first minute of the day; with `hours_until`.</param>
/// <param name="HoursUntil" example="22:00">The minute when it ends. If it is before `hours_from`, the window ends on the next day, and its hours after midnight count as the day on which it began.</param>
public sealed record RuleWindow(
    DateOnly? From = null,
    DateOnly? Until = null,
    IReadOnlyList<DayOfWeek>? Days = null,
    [RegularExpression(RuleWindow.TimePattern, ErrorMessage = RuleWindow.InvalidTime)] string? HoursFrom = null,
    [RegularExpression(RuleWindow.TimePattern, ErrorMessage = RuleWindow.InvalidTime)] string? HoursUntil = null)
{
    internal const string TimePattern = "([01][0-9]|2[0-3]):[0-5][0-9]";
    internal const string InvalidTime = "Must be a time of day such as 22:00.";
    private const string Format = "HH:mm";

    internal static TimeOnly? Time(string? text) => text is null ? null : TimeOnly.ParseExact(text, Format, CultureInfo.InvariantCulture);

    internal static string? Text(TimeOnly? time) => time?.ToString(Format, CultureInfo.InvariantCulture);
}
