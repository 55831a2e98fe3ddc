using System.Buffers.Binary;
using System.Data;
using System.Security.Cryptography;
using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;
using static System.FormattableString;

namespace Kashif.Gamification.Ledger;

/// <summary>Something in the ledger that its own hashes or sums contradict.</summary>
/// <param name="Sequence">The entry in the chain; null for a finding about the chain or the balance.</param>
internal sealed record LedgerFinding(Guid Chain, long? Sequence, string What)
{
    public override string ToString() => Sequence is { } sequence
        ? Invariant($"Chain {Chain}, entry {sequence}: {What}")
        : $"Chain {Chain}: {What}";
}

/// <summary>What the ledger was at one moment.</summary>
/// <param name="Points">What users may still spend: without deleted accounts, as in <see cref="DailyPointsResponse"/>.</param>
/// <param name="Digest">
/// SHA-256 of all heads in the order of their chains: chain, sequence and hash. If it is kept elsewhere, it also shows a forgery that
/// rewrites a whole chain with its head and balance.
/// </param>
/// <param name="Findings">The first <see cref="ChainVerifier.MostFindings"/>.</param>
internal sealed record LedgerVerification(long Entries, long Chains, long Points, string Digest, long FindingCount, IReadOnlyList<LedgerFinding> Findings);

/// <summary>
/// Recomputes the hash of every entry, and compares the chains with their heads and the sums with the balances, as of one moment. Does not
/// trust the functions of the database. Reads chain by chain, so the memory does not grow with the ledger.
/// </summary>
internal sealed class ChainVerifier(GamificationDbContext database)
{
    public const int MostFindings = 100;
    private const int PageSize = 500;

    private readonly List<LedgerFinding> _findings = [];
    private readonly Sums _erased = new();
    private long _findingCount;
    private long _entries;
    private long _points;

    public async Task<LedgerVerification> VerifyAsync(CancellationToken cancellationToken)
    {
        await using var snapshot = await database.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var chains = 0L;
        for (Guid? from = Guid.Empty; from is { } first;)
        {
            var heads = await HeadsAsync(first, cancellationToken);
            var last = heads.Count == PageSize ? heads[^1].Chain : Guid.AllBitsSet;
            await VerifyAsync(heads, first, last, cancellationToken);
            foreach (var head in heads)
            {
                Append(digest, head);
            }

            chains += heads.Count;
            from = last == Guid.AllBitsSet ? null : Next(last);
        }

        await VerifyBalancesAsync(cancellationToken);
        return new LedgerVerification(_entries, chains, _points, Convert.ToHexStringLower(digest.GetHashAndReset()), _findingCount, _findings);
    }

    private Task<List<Head>> HeadsAsync(Guid first, CancellationToken cancellationToken) =>
        database.Database.SqlQuery<Head>($"""
            SELECT chain, chains.user_id, sequence, hash, coalesce(points, 0) AS points, coalesce(earned, 0) AS earned,
                coalesce(spent, 0) AS spent, coalesce(expired, 0) AS expired, coalesce(reversed, 0) AS reversed, coalesce(owed, 0) AS owed
            FROM ledger_chains AS chains LEFT JOIN balances ON balances.user_id = chains.user_id
            WHERE chain >= {first}
            ORDER BY chain
            LIMIT {PageSize}
            """).ToListAsync(cancellationToken);

    /// <summary>Verifies the entries of some chains, and those in between that have no head.</summary>
    private async Task VerifyAsync(List<Head> heads, Guid first, Guid last, CancellationToken cancellationToken)
    {
        var missing = heads.ToDictionary(head => head.Chain);
        Chain? chain = null;
        var entries = database.Database.SqlQuery<StoredEntry>($"""
            SELECT chain, sequence, id, user_id, kind, points, owed, balance_after, reason, rule, rule_version, cause, reference, category, area,
                reverses, expires_at, created_at, previous_hash, hash
            FROM point_transactions
            WHERE chain BETWEEN {first} AND {last}
            ORDER BY chain, sequence
            """).AsAsyncEnumerable();
        await foreach (var entry in entries.WithCancellation(cancellationToken))
        {
            if (chain?.Id != entry.Chain)
            {
                Complete(chain);
                missing.Remove(entry.Chain, out var head);
                chain = new Chain(entry.Chain, head);
            }

            Verify(chain, entry);
        }

        Complete(chain);
        foreach (var head in missing.Values)
        {
            Find(head.Chain, null, "It has no entries.");
        }
    }

    private void Verify(Chain chain, StoredEntry entry)
    {
        _entries++;
        _points += entry.UserId == ErasedUser.Id ? 0 : entry.Points;
        var expected = (chain.Last?.Sequence ?? 0) + 1;
        if (entry.Sequence != expected)
        {
            Find(chain.Id, entry.Sequence, Invariant($"Entry {expected} is missing."));
        }

        if (!entry.PreviousHash.AsSpan().SequenceEqual(chain.Last?.Hash))
        {
            Find(chain.Id, entry.Sequence, "It does not have the hash of the entry before.");
        }

        if (!EntryHash.Of(entry).AsSpan().SequenceEqual(entry.Hash))
        {
            Find(chain.Id, entry.Sequence, "It was changed: its hash differs.");
        }

        // Balances of deleted users are added up in one account, in which the entries of its own chain do not follow one another.
        if (chain.Id != ErasedUser.Id && entry.BalanceAfter != (chain.Last?.BalanceAfter ?? 0) + entry.Points)
        {
            Find(chain.Id, entry.Sequence, "The balance does not add up.");
        }

        if (chain.Head is not null && entry.UserId != chain.Head.Owner)
        {
            Find(chain.Id, entry.Sequence, "Its user differs from the user of its chain.");
        }

        if (!(chain.Head?.Owner == ErasedUser.Id ? _erased : chain.Sums).TryAdd(entry))
        {
            Find(chain.Id, entry.Sequence, "Its kind is unknown.");
        }

        chain.Last = entry;
    }

    private void Complete(Chain? chain)
    {
        if (chain?.Last is not { } last)
        {
            return;
        }

        if (chain.Head is not { } head)
        {
            Find(chain.Id, null, "It has no head.");
            return;
        }

        if (head.Sequence != last.Sequence || !head.Hash.AsSpan().SequenceEqual(last.Hash))
        {
            Find(chain.Id, null, Invariant($"Its head is entry {head.Sequence}, its last entry {last.Sequence}, or their hashes differ."));
        }

        if (head.Owner != ErasedUser.Id)
        {
            Compare(chain.Id, chain.Sums, new Sums(head.Earned, head.Spent, head.Expired, head.Reversed, head.Owed), head.Points);
        }
    }

    /// <summary>The account of all deleted users, and balances that no entry explains.</summary>
    private async Task VerifyBalancesAsync(CancellationToken cancellationToken)
    {
        var erased = await database.Balances.AsNoTracking().SingleOrDefaultAsync(balance => balance.UserId == ErasedUser.Id, cancellationToken) ?? new Balance();
        _erased.Owed = 0; // a debt ends with the account
        Compare(ErasedUser.Id, _erased, new Sums(erased.Earned, erased.Spent, erased.Expired, erased.Reversed, owed: 0), erased.Points);

        var unexplained = database.Database.SqlQuery<Guid>($"""
            SELECT user_id AS "Value" FROM balances
            WHERE user_id <> {ErasedUser.Id} AND (points, earned, spent, expired, reversed, owed) <> (0, 0, 0, 0, 0, 0)
                AND NOT EXISTS (SELECT FROM ledger_chains WHERE ledger_chains.user_id = balances.user_id)
            """).AsAsyncEnumerable();
        await foreach (var user in unexplained.WithCancellation(cancellationToken))
        {
            Find(Guid.Empty, null, Invariant($"The user {user} has a balance without a chain."));
        }
    }

    private void Compare(Guid chain, Sums entries, Sums balance, long points)
    {
        foreach (var (name, sum, stored) in new[]
        {
            ("points", entries.Points, points),
            ("earned", entries.Earned, balance.Earned), ("spent", entries.Spent, balance.Spent), ("expired", entries.Expired, balance.Expired),
            ("reversed", entries.Reversed, balance.Reversed), ("owed", entries.Owed, balance.Owed),
        })
        {
            if (sum != stored)
            {
                Find(chain, null, Invariant($"The balance has {stored} {name}, the entries {sum}."));
            }
        }
    }

    private void Find(Guid chain, long? sequence, string what)
    {
        if (_findingCount++ < MostFindings)
        {
            _findings.Add(new LedgerFinding(chain, sequence, what));
        }
    }

    private static Guid Next(Guid chain)
    {
        Span<byte> bytes = stackalloc byte[16];
        chain.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt128BigEndian(bytes, BinaryPrimitives.ReadUInt128BigEndian(bytes) + 1);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>In SQL: <c>uuid_send(chain) || int8send(sequence) || hash</c>.</summary>
    private static void Append(IncrementalHash digest, Head head)
    {
        Span<byte> key = stackalloc byte[24];
        head.Chain.TryWriteBytes(key, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(key[16..], head.Sequence);
        digest.AppendData(key);
        digest.AppendData(head.Hash);
    }

    private sealed record Head(
        Guid Chain, Guid? UserId, long Sequence, byte[] Hash, long Points, long Earned, long Spent, long Expired, long Reversed, long Owed)
    {
        public Guid Owner => UserId ?? ErasedUser.Id;
    }

    private sealed class Chain(Guid id, Head? head)
    {
        public Guid Id => id;
        public Head? Head => head;
        public Sums Sums { get; } = new();
        public StoredEntry? Last { get; set; }
    }

    private sealed class Sums(long earned = 0, long spent = 0, long expired = 0, long reversed = 0, long owed = 0)
    {
        public long Earned { get; private set; } = earned;
        public long Spent { get; private set; } = spent;
        public long Expired { get; private set; } = expired;
        public long Reversed { get; private set; } = reversed;
        public long Owed { get; set; } = owed;
        public long Points => Earned - Spent - Expired - Reversed;

        /// <returns>False if the entry's kind is unknown.</returns>
        public bool TryAdd(StoredEntry entry)
        {
            Owed += entry.Owed;
            switch (entry.Kind)
            {
                case "earned": Earned += entry.Points; return true;
                case "spent": Spent -= entry.Points; return true;
                case "expired": Expired -= entry.Points; return true;
                case "reversed": Reversed -= entry.Points; return true;
                default: return false;
            }
        }
    }
}
