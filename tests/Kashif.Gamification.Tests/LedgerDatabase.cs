using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Gamification.Tests;

/// <summary>A database with nothing but a ledger, to tamper with.</summary>
internal sealed class LedgerDatabase : IAsyncDisposable
{
    private static readonly string[] Tables = ["point_transactions", "ledger_chains", "balances"];
    private readonly GamificationService _service;
    private readonly DbContextOptions<GamificationDbContext> _options;

    private LedgerDatabase(GamificationService service)
    {
        _service = service;
        _options = OptionsOf(new NpgsqlConnectionStringBuilder(service.Servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}" }.ConnectionString);
    }

    private static DbContextOptions<GamificationDbContext> OptionsOf(string connection) =>
        new DbContextOptionsBuilder<GamificationDbContext>().UseNpgsql(connection).UseSnakeCaseNamingConvention().Options;

    /// <summary>The default validity of earned points.</summary>
    public TimeSpan? ExpiresAfter { get; init; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<LedgerDatabase> CreateAsync(GamificationService service, TimeSpan? expiresAfter = null)
    {
        var ledger = new LedgerDatabase(service) { ExpiresAfter = expiresAfter };
        await using var database = ledger.Open();
        await database.Database.MigrateAsync(Cancel);
        return ledger;
    }

    public GamificationDbContext Open() => new(_options);

    public Task<IReadOnlyList<PointTransaction>> BookAsync(params Booking[] bookings) => BookAsync(_service, _options, ExpiresAfter, TimeProvider.System, bookings);

    /// <summary>Books points in another database, at another time.</summary>
    public static Task<IReadOnlyList<PointTransaction>> BookAsync(GamificationService service, string database, TimeProvider time, params Booking[] bookings) =>
        BookAsync(service, OptionsOf(database), expiresAfter: null, time, bookings);

    private static async Task<IReadOnlyList<PointTransaction>> BookAsync(
        GamificationService service, DbContextOptions<GamificationDbContext> options, TimeSpan? expiresAfter, TimeProvider time, Booking[] bookings)
    {
        await using var database = new GamificationDbContext(options);
        var ledger = new PointsLedger(
            database, [], new ExpiryPolicy(Options.Create(new PointsOptions { ExpiresAfter = expiresAfter })), service.Host.Services.GetRequiredService<PointsMetrics>(), time);
        await using var transaction = await database.Database.BeginTransactionAsync(Cancel);
        var entries = await ledger.BookAsync(await ledger.NewAsync(bookings, Cancel), Cancel);
        await transaction.CommitAsync(Cancel);
        return entries;
    }

    public async Task<LedgerVerification> VerifyAsync()
    {
        await using var database = Open();
        return await new ChainVerifier(database).VerifyAsync(Cancel);
    }

    public async Task<int> ExecuteAsync(string sql)
    {
        await using var database = Open();
        return await database.Database.ExecuteSqlRawAsync(sql, Cancel);
    }

    public async Task<List<T>> QueryAsync<T>(string sql)
    {
        await using var database = Open();
        return await database.Database.SqlQueryRaw<T>(sql).ToListAsync(Cancel);
    }

    /// <summary>Runs SQL with the triggers disabled.</summary>
    public Task<int> TamperAsync(string sql) => ExecuteAsync($"""
        BEGIN;
        ALTER TABLE point_transactions DISABLE TRIGGER USER;
        {sql};
        ALTER TABLE point_transactions ENABLE TRIGGER USER;
        COMMIT;
        """);

    public Task KeepAsync() => ExecuteAsync(string.Concat(Tables.Select(table => $"CREATE TABLE kept_{table} AS TABLE {table};")));

    /// <summary>Brings back what <see cref="KeepAsync"/> kept.</summary>
    public Task RestoreAsync() => TamperAsync(string.Concat(Tables.Select(table => $"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table};")));

    public async ValueTask DisposeAsync()
    {
        await using var database = Open();
        await database.Database.EnsureDeletedAsync();
    }
}
