using System.Globalization;
using Kashif.Http;

namespace Kashif.Reporting.Sync;

/// <summary>Where a client is in the feed.</summary>
/// <param name="ChangedIn">The transaction of the last change that it has read.</param>
/// <param name="ReportId">The report of that change.</param>
/// <param name="Identity">Of the feed: see <see cref="FeedIdentities.CurrentAsync"/>.</param>
/// <param name="ReadAt">When it was given out: deletions are not kept for ever.</param>
internal readonly record struct SyncCursor(ulong ChangedIn, Guid ReportId, string Identity, DateTimeOffset ReadAt)
{
    public string Encode() => Cursor.Encode(string.Create(
        CultureInfo.InvariantCulture, $"{ChangedIn} {ReportId:N} {ReadAt.ToUnixTimeSeconds()} {Identity}"));

    public static bool TryDecode(string text, out SyncCursor cursor)
    {
        cursor = default;
        if (!Cursor.TryDecode(text, out string decoded) || decoded.Split(' ') is not [var transaction, var report, var time, var identity]
            || !ulong.TryParse(transaction, NumberStyles.None, CultureInfo.InvariantCulture, out var changedIn)
            || !Guid.TryParseExact(report, "N", out var reportId)
            || !uint.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return false;
        }

        cursor = new SyncCursor(changedIn, reportId, identity, DateTimeOffset.FromUnixTimeSeconds(seconds));
        return true;
    }
}
