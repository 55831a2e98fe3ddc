using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kashif.Gamification.Ledger;

/// <summary>A stored entry, not validated.</summary>
internal sealed record StoredEntry(
    Guid Chain, long Sequence, Guid Id, Guid UserId, string Kind, int Points, int Owed, long BalanceAfter, string Reason, string? Rule, int? RuleVersion,
    string Cause, string? Reference, string? Category, string? Area, Guid? Reverses, DateTimeOffset? ExpiresAt, DateTimeOffset CreatedAt, byte[]? PreviousHash, byte[] Hash);

/// <summary>
/// The hash of an entry, as the database's function <c>ledger_hash</c> computes it: SHA-256 of the previous hash and of the entry's members,
/// separated by <c>|</c>; nothing for null, instants in microseconds since 1970. The user, the note, the administrator and the day of the
/// limit are not in it: an erasure changes the first three.
/// </summary>
internal static class EntryHash
{
    public static byte[] Of(StoredEntry entry)
    {
        var members = string.Create(
            CultureInfo.InvariantCulture,
            $"{entry.Chain}|{entry.Sequence}|{entry.Id}|{entry.Points}|{entry.Owed}|{entry.BalanceAfter}|{entry.Kind}|{entry.Reason}|{entry.Rule}|{entry.RuleVersion}|{entry.Cause}|{entry.Reference}|{entry.Category}|{entry.Area}|{entry.Reverses}|{Microseconds(entry.ExpiresAt)}|{Microseconds(entry.CreatedAt)}");
        return SHA256.HashData([.. entry.PreviousHash ?? [], .. Encoding.UTF8.GetBytes(members)]);
    }

    private static long? Microseconds(DateTimeOffset? instant) => (instant - DateTimeOffset.UnixEpoch)?.Ticks / TimeSpan.TicksPerMicrosecond;
}
