using System.Globalization;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Quests;
using Kashif.Messaging.Events;
using Kashif.Validation;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Rules;

/// <summary>The checks of a draft that attributes cannot do. Each error names its line: <c>lines[2].points</c>.</summary>
internal static class RuleValidation
{
    private const int MaxLines = 200;
    private static readonly string[] Statuses = ["verified", "in_progress", "resolved", "duplicate"];

    /// <summary>The reasons of entries that no rule makes.</summary>
    private static readonly string[] Reserved =
    [
        PointTransaction.Redeemed, PointTransaction.Refunded, PointTransaction.OwedPoints, PointTransaction.ExpiredPoints, PointTransaction.Adjusted,
        PointTransaction.ReversedPoints, QuestRewards.Reason, RuleEngine.Rejected, RuleEngine.Withdrawn, RuleEngine.Corrected,
        RuleEngine.Hidden, RuleEngine.Deleted, RuleEngine.Recategorized, RuleEngine.TakenBack, RuleEngine.Unnamed,
    ];

    public static async Task<FieldErrors> FindAsync(RulesRequest request, HttpContext http, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("lines", request.Lines.Count is >= 1 and <= MaxLines ? null : "Send 1 to 200 lines.");
        var areas = await database.Areas.Select(area => area.Code).ToHashSetAsync(cancellationToken);
        var firsts = new Dictionary<string, RuleLineRequest>();
        var scopes = new HashSet<(string, string?, string?)>();
        foreach (var (index, line) in request.Lines.Take(MaxLines).Index())
        {
            if (line is null)
            {
                Add("", "Must be an object with fields of the right type.");
                continue;
            }

            var first = firsts.TryAdd(line.Code, line) ? line : firsts[line.Code];
            Add("code", line.Code is "" ? RuleLineRequest.InvalidCode : Reserved.Contains(line.Code) ? "This code has another meaning." : null);
            Add("event", line.Event == ReportCreated.Type || line.Event == ReportStatusUpdated.Type || line.Event == SurveyAnswered.Type ? null
                : "Must be report.created, report.status_updated or survey.answered.");
            Add("event", line.Event == first.Event ? null : "All lines of a code have the same event.");
            Add("status", line.Event != ReportStatusUpdated.Type && line.Status is not null ? "Only report.status_updated has a status." : null);
            Add("status", line.Event == ReportStatusUpdated.Type && !Statuses.Contains(line.Status) ? "Must be one of verified, in_progress, resolved, duplicate." : null);
            Add("status", line.Status == first.Status ? null : "All lines of a code have the same status.");
            Add("category", line.Category is "" ? RuleLineRequest.InvalidCode : null);
            Add("area", line.Area is null || areas.Contains(line.Area) ? null : "Area not found.");
            Add("daily_limit", line.DailyLimit == first.DailyLimit ? null : "All lines of a code have the same limits.");
            Add("weekly_limit", line.WeeklyLimit == first.WeeklyLimit ? null : "All lines of a code have the same limits.");
            Add("multiplier", line.Multiplier != Math.Round(line.Multiplier, 2) ? "At most two decimal places." : null);
            Add("multiplier", line.Points > 0 && line.Points * line.Multiplier < 0.5 ? "The points round to zero." : null);
            if (line.Window is { } window)
            {
                Add("window", window == new RuleWindow() ? "Send at least one field, or null." : null);
                Add("window.until", window.Until < window.From ? "Must not be before the first day." : null);
                Add("window.days", window.Days is [] ? "Send at least one day, or null." : null);
                Add("window.hours_from", window.HoursFrom is "" ? RuleWindow.InvalidTime : null);
                Add("window.hours_until", window.HoursUntil is "" ? RuleWindow.InvalidTime : null);
                Add("window.hours_until", window.HoursFrom is null != window.HoursUntil is null ? "Send both hours, or none." : null);
                Add("window.hours_until", window.HoursFrom is not null && window.HoursFrom == window.HoursUntil ? "Must differ from the start." : null);
            }
            else if (!scopes.Add((line.Code, line.Category, line.Area)))
            {
                Add("code", "Another line of this code has the same category and area.");
            }

            void Add(string field, string? message) =>
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"lines[{index}]{(field is "" ? "" : ".")}{field}"), message);
        }

        return errors;
    }
}
