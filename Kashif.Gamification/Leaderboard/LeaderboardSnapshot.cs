using System.Collections.Concurrent;
using System.Text.Json;
using Kashif.Http;

namespace Kashif.Gamification.Leaderboard;

/// <summary>The leaderboard at one moment.</summary>
internal sealed class LeaderboardSnapshot(LeaderboardItem[] items, long takenAt, TimeSpan maxAge, JsonSerializerOptions json)
{
    private readonly ConcurrentDictionary<(int Offset, int Size), IResult> _pages = new();

    public long TakenAt => takenAt;

    public IResult PageOf(int offset, int size)
    {
        offset = Math.Min(offset, items.Length);

        // Caches only the pages that paging from the top reaches: caching any offset would let a client fill the memory.
        return offset % size == 0 ? _pages.GetOrAdd((offset, size), page => CreatePage(page.Offset, page.Size)) : CreatePage(offset, size);
    }

    private IResult CreatePage(int offset, int size)
    {
        var end = Math.Min(offset + size, items.Length);
        return PublicCache.Prepare(
            new Page<LeaderboardItem>(items[offset..end], end < items.Length ? Cursor.Encode(end) : null), maxAge, json);
    }
}
