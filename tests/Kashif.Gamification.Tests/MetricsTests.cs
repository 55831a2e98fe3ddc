using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Gamification.Tests;

public sealed class MetricsTests(GamificationService service)
{
    [Fact]
    public async Task Awards_are_counted_after_the_commit()
    {
        var cancel = TestContext.Current.CancellationToken;
        var rule = $"test-{Guid.CreateVersion7():N}";
        using var counted = new MeasuredCounter("points_awarded", rule);
        await using var scope = service.Host.Services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
        var ledger = scope.ServiceProvider.GetRequiredService<PointsLedger>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancel);
        await ledger.BookAsync(
            await ledger.NewAsync([new Booking(Guid.CreateVersion7(), 7, EntryKind.Earned, rule, $"{rule}:1") { Rule = rule }], cancel), cancel);

        counted.Sum.ShouldBe(0);
        await transaction.CommitAsync(cancel);
        await ledger.CommittedAsync(cancel);
        counted.Sum.ShouldBe(7);
    }
}
