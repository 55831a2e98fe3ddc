using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Profiles;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Leaderboard;

/// <summary>
/// Caches leaderboards in this process: reads each at most once per <see cref="MaxAge"/> and serializes each page once.
/// </summary>
internal sealed class LeaderboardSnapshots(
    RankingCache ranking, DisplayNames names, LevelCache levels, IServiceScopeFactory scopes, IOptions<JsonOptions> json, TimeProvider time) : IDisposable
{
    /// <summary>The number of users on a leaderboard.</summary>
    public const int Depth = 1000;

    /// <summary>How many leaderboards of areas and categories are kept: clients can ask for any code. Others are read at each request.</summary>
    public const int MostScoped = 100;

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Unused = TimeSpan.FromMinutes(1);

    private readonly CachedBoard[] _ofCity = [.. Enum.GetValues<Period>().Select(period => new CachedBoard(new Board(period)))];
    private readonly MemoryCache _scoped = new(new MemoryCacheOptions { SizeLimit = MostScoped });

    /// <summary>How many leaderboards of areas and categories are kept now.</summary>
    public int ScopedCount => _scoped.Count;

    public void Dispose() => _scoped.Dispose();

    public ValueTask<LeaderboardSnapshot> GetAsync(Board board, CancellationToken cancellationToken)
    {
        var cached = Find(board);
        return FreshSnapshot(cached) is { } snapshot ? ValueTask.FromResult(snapshot) : RefreshAsync(cached, cancellationToken);
    }

    private CachedBoard Find(Board board) => board.IsScoped
        ? _scoped.GetOrCreate(board, entry =>
        {
            entry.Size = 1;
            entry.SlidingExpiration = Unused;
            return new CachedBoard(board);
        }) ?? new CachedBoard(board)
        : _ofCity[(int)board.Period];

    private LeaderboardSnapshot? FreshSnapshot(CachedBoard cached) =>
        cached.Current is { } snapshot && time.GetElapsedTime(snapshot.TakenAt) < MaxAge ? snapshot : null;

    private async ValueTask<LeaderboardSnapshot> RefreshAsync(CachedBoard cached, CancellationToken cancellationToken)
    {
        await cached.Lock.WaitAsync(cancellationToken);
        try
        {
            if (FreshSnapshot(cached) is { } snapshot)
            {
                return snapshot;
            }

            var takenAt = time.GetTimestamp();
            await using var scope = scopes.CreateAsyncScope();
            var database = scope.ServiceProvider.GetRequiredService<GamificationDbContext>();
            var board = cached.Board;
            var standings = (board.IsRanking ? await ranking.TopAsync(Depth, cancellationToken) : null)
                ?? await board.TopAsync(database, time.GetUtcNow(), Depth, cancellationToken);
            var items = new Neighbourhood(0, 0, standings).ToItems(
                await names.OfAsync(database, standings.ConvertAll(standing => standing.UserId), cancellationToken), await levels.GetAsync(cancellationToken));
            return cached.Current = new LeaderboardSnapshot(items, takenAt, MaxAge, json.Value.SerializerOptions);
        }
        finally
        {
            cached.Lock.Release();
        }
    }

    /// <remarks>The lock needs no disposal: its wait handle is not used.</remarks>
    private sealed class CachedBoard(Board board)
    {
        public Board Board { get; } = board;
        public SemaphoreSlim Lock { get; } = new(1);
        public volatile LeaderboardSnapshot? Current;
    }
}
