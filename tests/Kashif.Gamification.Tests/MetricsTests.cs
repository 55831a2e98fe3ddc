using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
using Kashif.Messaging.Events;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Gamification.Tests;

public sealed class MetricsTests(GamificationService service)
{
    [Fact]
    public async Task Awards_are_counted_after_the_commit()
    {
        var cancel = TestContext.Current.CancellationToken;
        var rule = new Rule { Code = $"test-{Guid.CreateVersion7():N}", Event = "report.tested", Points = 7 };
        using var counted = new MeasuredCounter("points_awarded", rule.Code);
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        var awards = scope.ServiceProvider.GetRequiredService<Awards>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancel);
        database.Rules.Add(rule);
        await database.SaveChangesAsync(cancel);

        await awards.AwardAsync(
            [new AwardTrigger(rule.Event, null, Guid.CreateVersion7(), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), new EventCause(null, null))], cancel);

        counted.Sum.ShouldBe(0);
        database.Rules.Remove(rule); // before other tests see it
        await database.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        await scope.ServiceProvider.GetRequiredService<PointsLedger>().CommittedAsync(cancel);
        counted.Sum.ShouldBe(7);
    }
}
