using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Answering a survey about an own report earns points by the rule <c>survey_answered</c>.</summary>
public sealed class SurveyTests(GamificationService service)
{
    /// <summary>When the rules that ship with the service were in force: other tests activate their own.</summary>
    private static readonly DateTimeOffset Then = DateTimeOffset.UnixEpoch.AddDays(20_000);

    private readonly Guid _user = Guid.CreateVersion7();

    [Fact]
    public async Task An_answer_earns_points_once_whenever_it_arrives()
    {
        var report = Guid.CreateVersion7();
        var (answered, id) = (Answered(report), Guid.CreateVersion7());

        // Before the report's own events, and several times.
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => service.Tap.PublishAsync(answered, id, Then.AddDays(3))));
        await service.WaitForBalanceAsync(_user, 5);
        await service.Tap.PublishAsync(Created(_user, report), time: Then);
        await service.WaitForBalanceAsync(_user, 15);
        await service.Tap.PublishAsync(Resolved(_user, report), time: Then.AddDays(1));
        await service.WaitForBalanceAsync(_user, 65);

        // Reopened, it is not resolved any more; the answer stays one.
        await service.Tap.PublishAsync(Status(_user, report, "resolved", "in_progress") with { Version = 5 }, time: Then.AddDays(4));
        await Eventually.TrueAsync(() => service.QueryAsync(database => database.ReportEvents.AnyAsync(row => row.ReportId == report && row.Version == 5)), "the event");
        (await service.EntriesAsync(_user)).Where(entry => entry.Rule == "survey_answered").Select(entry => entry.Points).ShouldBe([5]);
    }

    [Fact]
    public async Task Answers_earn_at_most_fifteen_points_a_day()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(number => service.Tap.PublishAsync(Answered(Guid.CreateVersion7()), time: Then.AddMinutes(number))));
        await Eventually.TrueAsync(() => service.QueryAsync(async database => await database.ReportEvents.CountAsync(row => row.UserId == _user) == 8), "the events");

        (await service.BalanceAsync(_user)).ShouldBe(15);

        await service.Tap.PublishAsync(Answered(Guid.CreateVersion7()), time: Then.AddDays(1));
        await service.WaitForBalanceAsync(_user, 20);
    }

    private SurveyAnswered Answered(Guid report) => new(report, _user, Guid.CreateVersion7(), "pothole", 24.7, 46.7, Version: 4);
}
