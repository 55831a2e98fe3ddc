using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The moderation queue: submitted reports by the trust in their reporters. Runs alone: it starts a host on another database.</summary>
[Collection(typeof(Alone))]
public sealed class ModerationTests(ReportingService service)
{
    private const string Queue = $"{Root}/moderation-queue";

    [Fact]
    public async Task The_queue_has_submitted_reports_by_trust_or_by_age_in_full_pages()
    {
        await using var host = await service.StartAnotherAsync(reportsPerHour: 0);
        using var staff = host.As(Guid.CreateVersion7(), Roles.Citizen, Roles.Staff);
        Guid[] users = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];
        double?[] scores = [49.5, null, 90, 50]; // unknown counts as 50
        var reports = new List<(Guid Id, double Score)>();
        for (var round = 0; round < 3; round++)
        {
            for (var index = 0; index < users.Length; index++)
            {
                using var citizen = host.As(users[index]);
                reports.Add(((await citizen.FileAsync()).Id, scores[index] ?? 50));
            }
        }

        await service.SeedAsync([(24.7, 46.7)], status: "verified", database: host.Database);
        await using var connection = new NpgsqlConnection(host.Database);
        await connection.OpenAsync(Cancelled);
        foreach (var (user, score) in users.Zip(scores).Where(pair => pair.Second is not null))
        {
            await using var insert = new NpgsqlCommand("INSERT INTO reporter_scores (user_id, score, at) VALUES ($1, $2, now())", connection)
            {
                Parameters = { new() { Value = user }, new() { Value = score } },
            };
            await insert.ExecuteNonQueryAsync(Cancelled);
        }

        var trusted = await staff.AllPagesAsync($"{Queue}?", limit: 4);
        var oldest = await staff.AllPagesAsync($"{Queue}?sort=oldest", limit: 4);

        trusted.Select(item => (item.GetProperty("report").Id, item.GetProperty("reporter_score").GetDouble()))
            .ShouldBe(reports.OrderByDescending(report => report.Score).ThenBy(report => report.Id));
        oldest.Select(item => item.GetProperty("report").Id).ShouldBe(reports.Select(report => report.Id));
        (await staff.ReadAsync($"{Queue}?sort=newest")).Body.BadFields.ShouldBe(["sort"]);
    }

    [Fact]
    public async Task The_newest_score_of_a_user_wins_in_any_order_of_events()
    {
        using var citizen = service.Citizen(out var user);
        var start = TimeProvider.System.GetUtcNow();
        var order = Enumerable.Range(1, 40).ToArray();
        new Random(4711).Shuffle(order);

        await Task.WhenAll(order.Select(step => service.Tap.PublishAsync(new ScoreUpdated(user, step, step - 1, null), time: start.AddMicroseconds(step))));

        await Eventually.TrueAsync(async () => await ScoreAsync(user) == 40, "the newest score");
        await service.Tap.PublishAsync(new ScoreUpdated(user, 7, 6, null), time: start);
        var other = Guid.CreateVersion7();
        await service.Tap.PublishAsync(new ScoreUpdated(other, 71.5, 50, 60));
        await Eventually.TrueAsync(async () => await ScoreAsync(other) == 71.5, "a later event");
        (await ScoreAsync(user)).ShouldBe(40);
    }

    [Fact]
    public async Task Only_staff_see_a_score_and_it_goes_with_the_account()
    {
        using var citizen = service.Citizen(out var user);
        var report = await citizen.FileAsync();
        await service.Tap.PublishAsync(new ScoreUpdated(user, 80, 50, 80));
        await Eventually.TrueAsync(async () => await ScoreAsync(user) == 80, "the score");

        (await citizen.ReadAsync(Queue)).Status.ShouldBe(403);
        (await citizen.ReadAsync($"{Root}/{report.Id}")).Body.GetRawText().ShouldNotContain("score");
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        (await ScoreAsync(user)).ShouldBeNull();
    }

    private Task<double?> ScoreAsync(Guid user) =>
        service.QueryAsync(database => database.ReporterScores.Where(score => score.UserId == user).Select(score => (double?)score.Score).SingleOrDefaultAsync());
}
