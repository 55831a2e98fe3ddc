using System.Globalization;
using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql;

namespace Kashif.Gamification.Tests;

/// <summary>Migrations of a database with data.</summary>
public sealed class MigrationTests(GamificationService service)
{
    private const string Previous = "20261129022512_EntryTimes";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PeriodTotals_sums_up_the_awards_of_this_month_and_this_week()
    {
        // Not a host: its consumer would take events of the other tests.
        var connection = new NpgsqlConnectionStringBuilder(service.Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;
        await using var database = new GamificationDbContext(
            new DbContextOptionsBuilder<GamificationDbContext>().UseNpgsql(connection).UseSnakeCaseNamingConvention().Options);
        var migrator = database.GetService<IMigrator>();
        await migrator.MigrateAsync(Previous, Cancel);
        var now = TimeProvider.System.GetUtcNow();
        var today = new DateTimeOffset(now.Date, TimeSpan.Zero);
        var (month, week) = (today.AddDays(1 - today.Day), today.AddDays(-(((int)today.DayOfWeek + 6) % 7)));
        var (user, spender) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        (Guid User, DateTimeOffset At, int Points, string? Rule)[] entries =
        [
            (user, month.AddTicks(-10), 1, "report_created"), (user, month, 10, "report_created"),
            (user, week.AddTicks(-10), 100, "report_created"), (user, week, 1_000, "report_verified"), (user, now, 10_000, "report_created"),
            (user, now, -7, null), (spender, now, -7, null), (ErasedUser.Id, now, 7, "report_created"),
        ];
        foreach (var (of, at, points, rule) in entries)
        {
            await database.Database.ExecuteSqlAsync($"""
                INSERT INTO point_transactions (id, user_id, points, balance_after, reason, cause, rule, created_at)
                VALUES ({Guid.CreateVersion7()}, {of}, {points}, 0, 'test', {Guid.CreateVersion7().ToString()}, {rule}, {at})
                """, Cancel);
        }

        await migrator.MigrateAsync(null, Cancel);

        var totals = await database.Database.SqlQuery<string>($"""SELECT concat_ws(' ', user_id, period, starts_on, points) AS "Value" FROM period_totals""").ToListAsync(Cancel);
        totals.ShouldBe([Total("month", month), Total("week", week)], ignoreOrder: true);
        await database.Database.EnsureDeletedAsync(Cancel);

        string Total(string period, DateTimeOffset start) => string.Create(
            CultureInfo.InvariantCulture,
            $"{user} {period} {start:yyyy-MM-dd} {entries.Where(entry => entry.User == user && entry.Rule is not null && entry.At >= start).Sum(entry => entry.Points)}");
    }
}
