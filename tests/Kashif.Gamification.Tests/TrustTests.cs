using System.Text.Json;
using Kashif.Gamification.History;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Trust;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Kashif.Gamification.Tests.GamificationService;

namespace Kashif.Gamification.Tests;

/// <summary>Trust scores and their models. Runs alone: a model is for all users.</summary>
[Collection(typeof(Alone))]
public sealed class TrustTests(GamificationService service)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_without_decided_reports_has_the_neutral_score()
    {
        using var client = service.Citizen(out var user);
        await service.Tap.PublishAsync(Created(user, Guid.CreateVersion7()));
        await service.WaitForBalanceAsync(user, 10);

        (await client.ReadAsync("/score/me")).Body.GetRawText().ShouldBe("""{"score":50,"model_version":1,"factors":[]}""");
    }

    [Fact]
    public async Task Decisions_of_others_move_the_score_and_the_factors_explain_it()
    {
        using var client = service.Citizen(out var user);
        await service.Tap.PublishAsync(Verified(user, Guid.CreateVersion7()) with { ChangedBy = user });
        await service.Tap.PublishAsync(Resolved(user, Guid.CreateVersion7()) with { ChangedBy = user });
        var report = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Verified(user, report));

        await WaitForScoreAsync(user, 62);
        (await service.Tap.WaitForAsync(ScoreUpdated.Type, data => IsOf(data, user))).GetProperty("data").ShouldSatisfyAllConditions(
            data => data.GetProperty("score").GetInt32().ShouldBe(62),
            data => data.GetProperty("previous").GetInt32().ShouldBe(50),
            data => data.GetProperty("threshold").GetInt32().ShouldBe(60));
        await service.Tap.PublishAsync(Resolved(user, report) with { Version = 3 });
        await WaitForScoreAsync(user, 68);
        var (_, score) = await client.ReadAsync("/score/me");
        var factors = score.GetProperty("factors").EnumerateArray().ToDictionary(factor => factor.GetProperty("name").GetString() ?? "", factor => factor.GetProperty("value").GetDouble());
        factors["verified_rate"].ShouldBe(0.1667);
        factors["rejected_rate"].ShouldBe(0);
        var logit = score.GetProperty("factors").EnumerateArray().Sum(factor => factor.GetProperty("weight").GetDouble() * factor.GetProperty("value").GetDouble());
        Math.Round(100 / (1 + Math.Exp(-logit))).ShouldBe(68);

        await service.Tap.PublishAsync(Status(user, report, "resolved", "rejected") with { Version = 4 });
        await WaitForScoreAsync(user, 30);
    }

    /// <summary>Also where the answer arrives before the decision. Model 1 leaves the score as it was; a model with a weight moves it with the answer.</summary>
    [Fact]
    public async Task Answered_surveys_are_a_factor()
    {
        var (user, early, report, second) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        using var client = service.Host.As(user);
        await service.Tap.PublishAsync(Answered(early, Guid.CreateVersion7()));
        await service.Tap.PublishAsync(Answered(user, second));
        await service.Tap.PublishAsync(Resolved(user, report));
        await service.Tap.PublishAsync(Resolved(user, second));
        await Eventually.TrueAsync(async () => await service.QueryAsync(database => database.ReportEvents.CountAsync(row => row.UserId == user || row.UserId == early)) == 4, "the events");
        (await FactorAsync()).ShouldBe((0, Math.Round(1 / 7.0, 4)));
        (await service.QueryAsync(database => database.TrustScores.AnyAsync(score => score.UserId == early))).ShouldBeFalse();
        var before = await ScoreAsync();
        try
        {
            await service.QueryAsync(database => database.TrustModels.ExecuteUpdateAsync(set => set.SetProperty(model => model.Status, TrustModelStatus.Retired)));
            await service.QueryAsync(database =>
            {
                database.TrustModels.Add(new TrustModel { Version = 1_000, Weights = """{"survey_rate":4}""", Thresholds = [20, 40, 60, 80], Status = TrustModelStatus.Active });
                return database.SaveChangesAsync();
            });
            await service.Tap.PublishAsync(Answered(user, report));
            await service.Tap.PublishAsync(Answered(user, report)); // counts once

            await WaitForScoreAsync(user, (int)Math.Round(100 / (1 + Math.Exp(-4 * 2 / 7.0))));
            (await FactorAsync()).ShouldBe((4, Math.Round(2 / 7.0, 4)));
        }
        finally
        {
            await service.QueryAsync(database => database.TrustModels.Where(model => model.Version > 1).ExecuteDeleteAsync());
            await service.QueryAsync(database => database.TrustModels.ExecuteUpdateAsync(set => set.SetProperty(model => model.Status, TrustModelStatus.Active)));
            await RefreshAsync(100_000);
        }

        await WaitForScoreAsync(user, before);

        async Task<(double, double)> FactorAsync()
        {
            var factor = (await client.ReadAsync("/score/me")).Body.GetProperty("factors").EnumerateArray().Single(factor => factor.GetProperty("name").GetString() == "survey_rate");
            return (factor.GetProperty("weight").GetDouble(), factor.GetProperty("value").GetDouble());
        }

        async Task<int> ScoreAsync() => await service.QueryAsync(database => database.TrustScores.Where(score => score.UserId == user).Select(score => score.Score).SingleAsync());

        static SurveyAnswered Answered(Guid user, Guid report) => new(report, user, Guid.CreateVersion7(), "pothole", 24.7, 46.7, Version: 4);
    }

    [Fact]
    public async Task Scores_follow_the_history_in_any_order_and_each_change_is_told_once()
    {
        Guid[] users = [.. Enumerable.Range(0, 4).Select(_ => Guid.CreateVersion7())];
        var publications = new List<Func<Task>>();
        var now = TimeProvider.System.GetUtcNow();
        var random = new Random(4711);
        foreach (var (user, index) in users.SelectMany(user => Enumerable.Range(0, 15).Select(index => (user, index))))
        {
            var report = Guid.CreateVersion7();
            var (verified, decided) = (Guid.CreateVersion7(), Guid.CreateVersion7());
            var last = Status(user, report, "verified", random.Next(3) == 0 ? "rejected" : "resolved") with { Version = 3 };
            for (var copy = 0; copy < 2; copy++)
            {
                publications.Add(() => service.Tap.PublishAsync(Verified(user, report), verified, now.AddDays(index)));
                publications.Add(() => service.Tap.PublishAsync(last, decided, now.AddDays(index).AddHours(1)));
            }
        }

        var order = publications.ToArray();
        random.Shuffle(order);
        await Task.WhenAll(order.Select(publish => publish()));
        await Eventually.TrueAsync(async () => await service.QueryAsync(database => database.ReportEvents.CountAsync(row => users.Contains(row.UserId))) == 4 * 15 * 2, "the history");

        var scores = await service.QueryAsync(database => database.TrustScores.Where(score => users.Contains(score.UserId)).ToListAsync());
        var records = await service.QueryAsync(database => TrackRecord.ReadAsync(database, users, Cancel));
        var weights = (await service.QueryAsync(database => database.TrustModels.SingleAsync(model => model.Version == 1))).WeightVector();
        foreach (var score in scores)
        {
            records[score.UserId].ShouldSatisfyAllConditions(record => record.Verified.ShouldBe(0), record => (record.Resolved + record.Rejected).ShouldBe(15));
            score.Score.ShouldBe(TrustModel.Score(weights, records[score.UserId]));

            // Two relays share the outbox: the last change may be told before others.
            List<(DateTimeOffset Time, int Previous, int Score)> told = [];
            await Eventually.TrueAsync(
                () =>
                {
                    told = Told(score.UserId);
                    return Task.FromResult(told is not [] && told.Select(change => change.Previous).Append(score.Score).SequenceEqual(told.Select(change => change.Score).Prepend(50)));
                },
                () => $"the changes from 50 to {score.Score}: {string.Join(", ", told)}");
            told.Select(change => change.Time).ShouldBeUnique();
        }

        List<(DateTimeOffset Time, int Previous, int Score)> Told(Guid user) =>
        [
            .. from envelope in service.Tap.Envelopes(ScoreUpdated.Type)
               let data = envelope.GetProperty("data")
               where IsOf(data, user)
               orderby envelope.GetProperty("time").GetDateTimeOffset()
               select (envelope.GetProperty("time").GetDateTimeOffset(), data.GetProperty("previous").GetInt32(), data.GetProperty("score").GetInt32()),
        ];
    }

    [Fact]
    public async Task A_model_is_trained_on_history_and_used_only_if_it_is_no_worse_than_the_default()
    {
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Citizen, Roles.Admin);
        using var citizen = service.Citizen(out _);
        (await citizen.ReadAsync("/score/models")).Status.ShouldBe(403);
        var user = Guid.CreateVersion7();
        await service.Tap.PublishAsync(Verified(user, Guid.CreateVersion7()));
        await WaitForScoreAsync(user, 62);
        var training = service.Host.Services.GetServices<IHostedService>().OfType<TrustTraining>().Single();
        try
        {
            // Without enough reports, the nightly job leaves no model, and a request leaves one with the reason.
            await training.RunOnceAsync(Cancel);
            (await service.QueryAsync(database => database.TrustModels.CountAsync())).ShouldBe(1);
            (await TrainAsync(admin)).ShouldSatisfyAllConditions(
                model => model.GetProperty("status").GetString().ShouldBe("rejected"), model => model.GetProperty("reason").GetString().ShouldBe("too_few_samples"));

            // Reports from before the window do not count.
            await SeedAsync(byChance: 20, daysAgo: 1_000);
            (await TrainAsync(admin)).GetProperty("reason").GetString().ShouldBe("too_few_samples");

            // Outcomes by chance, and then new reporters who are as the default expects.
            await SeedAsync(byChance: 20);
            (await TrainAsync(admin)).GetProperty("reason").GetString().ShouldBe("worse_than_default");
            (await service.QueryAsync(database => database.TrustModels.SingleAsync(model => model.Status == TrustModelStatus.Active))).Version.ShouldBe(1);

            await SeedAsync(byChance: 0);
            var trained = await TrainAsync(admin);
            trained.GetProperty("status").GetString().ShouldBe("active", trained.GetRawText());
            trained.GetProperty("samples").GetInt32().ShouldBeGreaterThanOrEqualTo(800);
            trained.GetProperty("auc").GetDouble().ShouldBeGreaterThan(0.6);
            trained.GetProperty("weights").EnumerateArray().Single(weight => weight.GetProperty("name").GetString() == "survey_rate")
                .GetProperty("weight").GetDouble().ShouldBeGreaterThan(0);
            trained.GetProperty("log_loss").GetDouble().ShouldBeLessThanOrEqualTo(trained.GetProperty("default_log_loss").GetDouble());
            var version = trained.GetProperty("version").GetInt32();
            await Eventually.TrueAsync(
                async () => await service.QueryAsync(database => database.TrustScores.AllAsync(score => score.ModelVersion == version)), "all scores under the new model");
            var (weights, records) = await service.QueryAsync(async database =>
                ((await database.TrustModels.SingleAsync(model => model.Version == version)).WeightVector(), await TrackRecord.ReadAsync(database, [user], Cancel)));
            await WaitForScoreAsync(user, TrustModel.Score(weights, records[user]));
            (await service.Tap.WaitForAsync(ScoreUpdated.Type, data => IsOf(data, user) && data.GetProperty("previous").GetInt32() == 62))
                .GetProperty("data").GetProperty("score").GetInt32().ShouldBe(TrustModel.Score(weights, records[user]));

            // The same history gives the same model.
            (await TrainAsync(admin)).GetProperty("weights").GetRawText().ShouldBe(trained.GetProperty("weights").GetRawText());
            var models = (await admin.ReadAsync("/score/models")).Body.GetProperty("items").EnumerateArray().ToList();
            models.Select(model => model.GetProperty("status").GetString()).ShouldBe(["active", "retired", "rejected", "rejected", "rejected", "retired"]);

            // Batches go on where the one before has ended. The host must have ended its own, for the newest model.
            var newest = await service.QueryAsync(database => database.TrustModels.Where(model => model.Status == TrustModelStatus.Active).Select(model => model.Version).SingleAsync());
            await Eventually.TrueAsync(
                async () => await service.QueryAsync(database => database.TrustScores.AllAsync(score => score.ModelVersion == newest)), "all scores under the newest model");
            await service.QueryAsync(async database =>
            {
                await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
                await AwardLock.TakeAsync(database, Cancel); // as every writer of scores does: other tests write some
                var all = await database.TrustScores.ExecuteUpdateAsync(set => set.SetProperty(score => score.ModelVersion, 0), Cancel);
                await transaction.CommitAsync(Cancel);
                return all;
            });
            (await RefreshAsync(2)).ShouldBe(2);
            var rest = await service.QueryAsync(database => database.TrustScores.CountAsync(score => score.ModelVersion == 0));
            (await RefreshAsync(100_000)).ShouldBe(rest);
            (await RefreshAsync(1)).ShouldBe(0);
        }
        finally
        {
            await service.QueryAsync(database => database.ReportEvents.Where(row => row.Event == Seeded || row.Version == SeededAnswer).ExecuteDeleteAsync());
            await service.QueryAsync(database => database.TrustModels.Where(model => model.Version > 1).ExecuteDeleteAsync());
            await service.QueryAsync(database => database.TrustModels.ExecuteUpdateAsync(set => set.SetProperty(model => model.Status, TrustModelStatus.Active)));
            await RefreshAsync(100_000);
        }
    }

    [Theory]
    [InlineData(50, 62, 60)]
    [InlineData(50, 60, 60)]
    [InlineData(60, 59, 60)]
    [InlineData(50, 90, 80)]
    [InlineData(90, 10, 20)]
    [InlineData(41, 59, null)]
    public void A_change_tells_the_last_threshold_that_it_crosses(int previous, int score, int? threshold) =>
        new TrustModel { Weights = "{}", Thresholds = [20, 40, 60, 80] }.Crossed(previous, score).ShouldBe(threshold);

    [Fact]
    public void The_fit_finds_the_weights_that_made_the_samples()
    {
        var random = new Random(1);
        double[] truth = [2, -3];
        List<Sample> samples = [.. Enumerable.Range(0, 20_000).Select(_ =>
        {
            double[] features = [random.NextDouble(), random.NextDouble()];
            return new Sample(features, random.NextDouble() < LogisticRegression.Sigmoid(LogisticRegression.Dot(truth, features) + 0.5));
        })];

        var (weights, intercept) = LogisticRegression.Fit(samples, [0, 0]);

        weights[0].ShouldBe(2, tolerance: 0.15);
        weights[1].ShouldBe(-3, tolerance: 0.15);
        intercept.ShouldBe(0.5, tolerance: 0.1);
        LogisticRegression.Auc(samples, weights).ShouldBe(LogisticRegression.Auc(samples, truth), tolerance: 0.01);
        LogisticRegression.Auc([new([1], IsGood: true), new([0], IsGood: false), new([1], IsGood: false)], [1]).ShouldBe(0.75);
    }

    /// <summary>In the place of the event's name, to find the rows again.</summary>
    private const string Seeded = "test";

    /// <summary>The version of the seeded answers to surveys, which need the event's name.</summary>
    private const int SeededAnswer = 4_711;

    private static bool IsOf(JsonElement data, Guid user) => data.GetProperty("user_id").GetGuid() == user;

    private Task WaitForScoreAsync(Guid user, int score) => Eventually.TrueAsync(
        async () => await service.QueryAsync(database => database.TrustScores.AnyAsync(row => row.UserId == user && row.Score == score)), $"a score of {score}");

    private async Task<int> RefreshAsync(int size)
    {
        await using var scope = service.Host.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<TrustScores>().RefreshAsync(size, Cancel);
    }

    private static async Task<JsonElement> TrainAsync(HttpClient admin)
    {
        using var response = await admin.PostAsync($"{Area}/score/models", null, Cancel);
        var body = await response.Content.ReadAsStringAsync(Cancel);
        ((int)response.StatusCode).ShouldBe(201, body);
        return JsonSerializer.Deserialize<JsonElement>(body);
    }

    /// <summary>Replaces the seeded history: 25 reports of 40 users each, of whom half file good reports and half bad ones, with exceptions, so that the default is too sure.</summary>
    /// <param name="byChance">In how many first rounds the outcomes are by chance, of other users.</param>
    private Task SeedAsync(int byChance, int daysAgo = 0) => service.QueryAsync(async database =>
    {
        await database.ReportEvents.Where(row => row.Event == Seeded || row.Version == SeededAnswer).ExecuteDeleteAsync();
        var random = new Random(7);
        var start = TimeProvider.System.GetUtcNow().AddDays(1 - daysAgo);
        Guid[] users = [.. Enumerable.Range(0, 80).Select(_ => Guid.CreateVersion7())];
        for (var round = 0; round < 25; round++)
        {
            for (var index = 0; index < 40; index++)
            {
                var (user, report, at) = (users[round < byChance ? 40 + index : index], Guid.CreateVersion7(), start.AddHours((round * 40) + index));
                var isGood = round < byChance ? random.Next(2) == 0 : index % 2 == 0 != (random.Next(10) < (byChance == 0 ? 3 : 1));
                database.ReportEvents.Add(Row(user, report, null, 1, at));
                database.ReportEvents.Add(Row(user, report, isGood ? "verified" : "rejected", 2, at.AddMinutes(1)));
                if (byChance == 0 && index % 2 == 0 && isGood)
                {
                    database.ReportEvents.Add(Row(user, report, null, SeededAnswer, at.AddMinutes(2), SurveyAnswered.Type));
                }
            }
        }

        return await database.SaveChangesAsync();

        static ReportEvent Row(Guid user, Guid report, string? status, int version, DateTimeOffset at, string type = Seeded) => new()
        {
            Id = Guid.CreateVersion7(),
            UserId = user,
            ReportId = report,
            Event = type,
            Status = status,
            Version = version,
            At = at,
        };
    });
}
