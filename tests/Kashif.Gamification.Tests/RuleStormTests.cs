using FsCheck;
using FsCheck.Fluent;
using Kashif.Gamification.Areas;
using Kashif.Gamification.Data;
using Kashif.Gamification.History;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
using Kashif.Gamification.Rules;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Gamification.Tests;

/// <summary>What the rules gave in the end depends on the events only, not on their order, and is what a dry run says.</summary>
public sealed class RuleStormTests(GamificationService service)
{
    private static readonly DateTimeOffset Start = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero); // a Monday
    private static readonly Area Centre = new() { Code = "centre", NameEn = "Centre", NameAr = "المركز", Latitude = 33.51, Longitude = 36.29, RadiusKm = 1 };
    private static readonly string[] Codes = ["report_created", "report_verified", "report_resolved"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Awards_of_any_event_storm_equal_its_dry_run()
    {
        var connection = new NpgsqlConnectionStringBuilder(service.Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString;
        var options = new DbContextOptionsBuilder<GamificationDbContext>().UseNpgsql(connection).UseSnakeCaseNamingConvention().Options;
        await using (var database = new GamificationDbContext(options))
        {
            await database.Database.MigrateAsync(Cancel);
            database.Add(Centre);
            await database.RuleVersions.ExecuteUpdateAsync(set => set.SetProperty(version => version.Status, RuleStatus.Retired), Cancel);
            database.RuleVersions.AddRange(Version(2, RuleStatus.Retired, Start.AddYears(-1), scale: 1), Version(3, RuleStatus.Active, Start.AddDays(3).AddHours(12), scale: 2));
            await database.SaveChangesAsync(Cancel);
        }

        var reader = new RulebookReader(Options.Create(new PointsOptions { TimeZone = "Asia/Damascus" }));
        var metrics = service.Host.Services.GetRequiredService<PointsMetrics>();
        await Task.Run(() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(25), Prop.ForAll(Storms().ToArbitrary(), storm => Holds(RunAsync(storm)))), Cancel);

        await using var done = new GamificationDbContext(options);
        var reasons = await done.Transactions.Select(entry => entry.Reason).Distinct().ToListAsync(Cancel);
        string[] often = [.. Codes, "report_rejected", "report_withdrawn", "report_hidden", "redeemed", "owed", "expired"];
        often.Except(reasons).ShouldBeEmpty("the storms do not cover this");
        reasons.Except([.. often, "report_deleted", "report_unnamed", "report_recategorized", "status_taken_back", "rule_corrected"]).ShouldBeEmpty(); // the rare ones are not in each run
        await done.Database.EnsureDeletedAsync(Cancel);

        async Task RunAsync(Storm storm)
        {
            var users = new[] { Guid.CreateVersion7(), Guid.CreateVersion7() };
            var ids = storm.Reports.Select(_ => Guid.CreateVersion7()).ToArray();
            var reports = storm.Reports.Select((report, index) => Events(report, users[report.User], ids[index], ids)).ToArray();
            var order = reports.SelectMany(report => report).ToArray();
            var random = new Random(storm.Seed);
            random.Shuffle(order);
            var known = new List<ReportEvent>();
            for (var next = 0; next < order.Length;)
            {
                var batch = order[next..Math.Min(order.Length, next + random.Next(1, 7))];
                next += batch.Length;
                await using var database = new GamificationDbContext(options);
                await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
                var ledger = new PointsLedger(database, [], new ExpiryPolicy(Options.Create(new PointsOptions())), metrics, TimeProvider.System);
                var awards = new Awards(database, ledger, reader, TimeProvider.System);
                database.ReportEvents.AddRange(batch);
                known.AddRange(batch);
                foreach (var entry in batch.Append(known[random.Next(known.Count)])) // one is redelivered
                {
                    awards.Add(entry.ReportId, entry.Id, new EventCause(null, null));
                }

                await awards.CompleteAsync(Cancel);
                await database.SaveChangesAsync(Cancel);
                foreach (var points in (int[])[40, 10]) // refused if the balance is lower
                {
                    await ledger.DebitAsync(users[random.Next(2)], points, "7", $"redemption:{Guid.CreateVersion7()}", Cancel);
                }

                await database.SaveChangesAsync(Cancel);
                await transaction.CommitAsync(Cancel);
                if (storm.Expires)
                {
                    await ExpireAsync(users[random.Next(2)], random);
                }
            }

            await using var end = new GamificationDbContext(options);
            var rules = await reader.ReadAsync(end, Cancel);
            foreach (var user in users)
            {
                var entries = await end.Transactions.Where(entry => entry.UserId == user).ToListAsync(Cancel);
                if (!storm.Expires) // what has expired is not taken back
                {
                    var dry = await DryRun.SumAsync(end.ReportEvents.Where(entry => entry.UserId == user), end.ReportEvents, rules, Start.AddYears(-1), Start.AddYears(1), Cancel);
                    var live = entries.Where(entry => entry.Rule is not null).GroupBy(entry => entry.Rule ?? "", entry => (long)entry.Points - entry.Owed)
                        .Select(rule => (rule.Key, Points: rule.Sum())).Where(rule => rule.Points != 0).Order();
                    live.ShouldBe(dry.PerRule.Select(rule => (rule.Code, rule.Points)), storm.ToString());
                }

                var unnamed = reports.SelectMany(report => report).Where(entry => entry.Unnamed is true).Select(entry => entry.ReportId.ToString()).ToHashSet();
                entries.Where(entry => entry.Reference is { } reference && unnamed.Contains(reference) && (entry.Area ?? entry.Category) is not null)
                    .GroupBy(entry => (entry.Area, entry.Category), entry => entry.Points - entry.Owed).ShouldAllBe(scope => scope.Sum() == 0, storm.ToString());
                var balance = await end.Balances.SingleOrDefaultAsync(row => row.UserId == user, Cancel) ?? new Balance();
                balance.Points.ShouldBe(entries.Sum(entry => (long)entry.Points));
                balance.Points.ShouldBeGreaterThanOrEqualTo(0);
                balance.Owed.ShouldBe(entries.Sum(entry => (long)entry.Owed));
                (balance.Owed == 0 || balance.Points == 0).ShouldBeTrue();
            }
        }

        // A part of an award that is not reversed, like the expiry service.
        async Task ExpireAsync(Guid user, Random random)
        {
            await using var database = new GamificationDbContext(options);
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            var awards = await database.Transactions.AsNoTracking()
                .Where(award => award.UserId == user && award.Kind == EntryKind.Earned && !database.Transactions.Any(entry => entry.Reverses == award.Id)).OrderBy(award => award.Id).ToArrayAsync(Cancel);
            var points = await database.Balances.Where(row => row.UserId == user).Select(row => row.Points).SingleOrDefaultAsync(Cancel);
            if (awards is not [] && points > 0)
            {
                var award = random.GetItems(awards, 1)[0];
                var expired = random.Next(1, (int)Math.Min(points, award.Points) + 1);
                var ledger = new PointsLedger(database, [], new ExpiryPolicy(Options.Create(new PointsOptions())), metrics, TimeProvider.System);
                await ledger.BookAsync([new Booking(user, -expired, EntryKind.Expired, PointTransaction.ExpiredPoints, $"expiry:{award.Id}") { Reverses = award.Id }], Cancel);
            }

            await transaction.CommitAsync(Cancel);
        }
    }

    [Fact]
    public async Task Rejections_of_one_batch_make_room_in_each_of_their_weeks()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        await using (var database = ledger.Open())
        {
            await database.RuleVersions.ExecuteUpdateAsync(set => set.SetProperty(version => version.Status, RuleStatus.Retired), Cancel);
            database.Add(Version(2, RuleStatus.Active, Start.AddYears(-1), scale: 1));
            await database.SaveChangesAsync(Cancel);
        }

        var user = Guid.CreateVersion7();
        var lost = new[] { 0, 24 * 7 }.Select(hour => Events(new Report(0, hour, "tree", IsCentral: false, [new Change("rejected", ByOwner: false, 48)]), user, Guid.CreateVersion7(), [])).ToArray();
        var kept = new[] { 1, 2, (24 * 7) + 1, (24 * 7) + 2 }.SelectMany(hour => Events(new Report(0, hour, "tree", IsCentral: false, []), user, Guid.CreateVersion7(), []));

        (await AwardAsync([.. lost.Select(report => report[0]), .. kept])).ShouldBe(50); // the limit of each day
        (await AwardAsync([.. lost.Select(report => report[1])])).ShouldBe(40);

        async Task<long> AwardAsync(ReportEvent[] batch)
        {
            await using var database = ledger.Open();
            await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
            var points = new PointsLedger(
                database, [], new ExpiryPolicy(Options.Create(new PointsOptions())), service.Host.Services.GetRequiredService<PointsMetrics>(), TimeProvider.System);
            var awards = new Awards(database, points, new RulebookReader(Options.Create(new PointsOptions { TimeZone = "Asia/Damascus" })), TimeProvider.System);
            database.ReportEvents.AddRange(batch);
            foreach (var entry in batch)
            {
                awards.Add(entry.ReportId, entry.Id, new EventCause(null, null));
            }

            await awards.CompleteAsync(Cancel);
            await database.SaveChangesAsync(Cancel);
            await transaction.CommitAsync(Cancel);
            return await database.Balances.Where(balance => balance.UserId == user).Select(balance => balance.Points).SingleAsync(Cancel);
        }
    }

    /// <summary>Waits here: a property that returns a task is not waited for.</summary>
    private static bool Holds(Task property)
    {
        property.GetAwaiter().GetResult();
        return true;
    }

    private static RuleVersion Version(int number, RuleStatus status, DateTimeOffset activatedAt, int scale) => new()
    {
        Version = number,
        Status = status,
        CreatedAt = activatedAt,
        ActivatedAt = activatedAt,
        Lines =
        [
            Created(number, 0, 10 * scale),
            Created(number, 1, 7 * scale, category: "pothole", multiplier: 1.5m),
            Created(number, 2, 20 * scale, category: "lamp", vesting: Vesting.OnVerification),
            Created(number, 3, 13, area: Centre.Code, reversible: false),
            new() { Version = number, Number = 4, Code = Codes[1], Event = ReportStatusUpdated.Type, Status = "verified", Points = 5, Reversible = true },
            new() { Version = number, Number = 5, Code = Codes[1], Event = ReportStatusUpdated.Type, Status = "verified", Points = 9, Reversible = true, FromTime = new(18, 0), UntilTime = new(2, 0) },
            new() { Version = number, Number = 6, Code = Codes[2], Event = ReportStatusUpdated.Type, Status = "resolved", Points = 50, WeeklyLimit = 120 },
        ],
    };

    private static RuleLine Created(
        int version, int number, int points, string? category = null, string? area = null, decimal multiplier = 1, Vesting vesting = Vesting.Immediate, bool reversible = true) => new()
        {
            Version = version,
            Number = number,
            Code = Codes[0],
            Event = ReportCreated.Type,
            Category = category,
            Area = area,
            Points = points,
            Multiplier = multiplier,
            DailyLimit = 25,
            WeeklyLimit = 60,
            Vesting = vesting,
            Reversible = reversible,
        };

    private static Gen<Storm> Storms() =>
        from reports in (
            from user in Gen.Choose(0, 1)
            from hour in Gen.Choose(0, 24 * 5)
            from category in Gen.Elements("pothole", "lamp", "tree")
            from isCentral in Gen.Elements(true, false)
            from changes in (
                from status in Gen.Elements("verified", "verified", "in_progress", "resolved", "rejected", "withdrawn", "submitted", "duplicate", "merged", "hidden", "shown", "unnamed", "named", "pothole", "lamp", "deleted")
                from byOwner in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
                from hours in Gen.Choose(0, 30)
                from original in Gen.Choose(0, 15)
                select new Change(status, byOwner, hours, original)).ListOf(5)
            from count in Gen.Choose(0, 5)
            select new Report(user, hour, category, isCentral, [.. changes.Take(count)])).ListOf(16)
        from expires in Gen.Elements(true, false)
        from seed in Gen.Choose(0, int.MaxValue)
        select new Storm([.. reports], expires, seed);

    private static ReportEvent[] Events(Report report, Guid user, Guid id, Guid[] ids)
    {
        var (category, isHidden, isUnnamed, at) = (report.Category, false, false, Start.AddHours(report.Hour));
        return
        [
            Event(1, ReportCreated.Type, byOwner: true, at),
            .. report.Changes.SelectMany((change, index) => Change(index + 2, change)),
        ];

        IEnumerable<ReportEvent> Change(int version, Change change)
        {
            at = at.AddHours(change.Hours);
            switch (change.Status)
            {
                case "merged" when ids[change.Original] != id:
                    yield return Event(version, ReportStatusUpdated.Type, change.ByOwner, at, "duplicate");
                    yield return Event(version, ReportMerged.Type, byOwner: false, at, original: ids[change.Original]);
                    break;
                case "hidden" or "shown":
                    isHidden = change.Status == "hidden";
                    yield return Event(version, ReportUpdated.Type, change.ByOwner, at);
                    break;
                case "unnamed" or "named":
                    isUnnamed = change.Status == "unnamed";
                    yield return Event(version, ReportUpdated.Type, change.ByOwner, at);
                    break;
                case "pothole" or "lamp":
                    category = change.Status;
                    yield return Event(version, ReportUpdated.Type, change.ByOwner, at);
                    break;
                case "deleted" when change.ByOwner: // seldom
                    yield return Event(version, ReportDeleted.Type, change.ByOwner, at);
                    break;
                case "deleted" or "merged":
                    break;
                default:
                    yield return Event(version, ReportStatusUpdated.Type, change.ByOwner, at, change.Status);
                    break;
            }
        }

        ReportEvent Event(int version, string type, bool byOwner, DateTimeOffset time, string? status = null, Guid? original = null) => new()
        {
            Id = Guid.CreateVersion7(),
            ReportId = id,
            UserId = user,
            Event = type,
            Status = status,
            ByOwner = byOwner,
            Version = version,
            Category = original is null && type != ReportDeleted.Type ? category : null,
            Latitude = Centre.Latitude + (report.IsCentral ? 0 : 1),
            Longitude = Centre.Longitude,
            Hidden = type == ReportUpdated.Type ? isHidden : null,
            Unnamed = type == ReportCreated.Type || type == ReportUpdated.Type ? isUnnamed : null,
            OriginalId = original,
            At = time,
        };
    }

    private sealed record Storm(Report[] Reports, bool Expires, int Seed)
    {
        public override string ToString() => $"seed {Seed}{(Expires ? ", expiring" : "")}: {string.Join("; ", Reports.AsEnumerable())}";
    }

    private sealed record Report(int User, int Hour, string Category, bool IsCentral, Change[] Changes)
    {
        public override string ToString() => $"{User} {Hour} {Category} {IsCentral} {string.Join(", ", Changes.AsEnumerable())}";
    }

    private sealed record Change(string Status, bool ByOwner, int Hours, int Original = 0);
}
