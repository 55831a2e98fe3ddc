using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Gamification.Tests;

/// <summary>Tampering with the ledger shows.</summary>
public sealed class LedgerTests(GamificationService service)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_change_of_an_entry_a_head_or_a_balance_is_found()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        var user = Guid.CreateVersion7();
        var entries = await ledger.BookAsync(
            [
                Earned(user, 100) with { Rule = "report_created", RuleVersion = 2, Reference = "r", Category = "pothole", Area = "north", ExpiresAt = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero) },
                new Booking(user, -30, EntryKind.Spent, "redeemed", "debit:1"),
                Earned(Guid.CreateVersion7(), 5),
            ]);
        await ledger.BookAsync(new Booking(user, -90, EntryKind.Reversed, "reversed", "reversal:1") { Reverses = entries[0].Id });
        (await ledger.VerifyAsync()).Findings.ShouldBeEmpty();
        await ledger.KeepAsync();

        var unseen = new List<string>();
        foreach (var (table, where) in new[]
        {
            ("point_transactions", $"id = '{entries[0].Id}'"), ("ledger_chains", $"user_id = '{user}'"), ("balances", $"user_id = '{user}'"),
        })
        {
            foreach (var column in await ledger.QueryAsync<string>($"""
                SELECT format('%I = %s', column_name, CASE data_type
                    WHEN 'uuid' THEN 'gen_random_uuid()' WHEN 'integer' THEN format('coalesce(%I, 0) + 100', column_name) WHEN 'bigint' THEN format('coalesce(%I, 0) + 100', column_name)
                    WHEN 'boolean' THEN format('NOT %I', column_name) WHEN 'bytea' THEN '''x''' WHEN 'date' THEN 'current_date' WHEN 'timestamp with time zone' THEN 'now()' ELSE '''x''' END) AS "Value"
                FROM information_schema.columns WHERE table_name = '{table}' AND table_schema = 'public'
                """))
            {
                var constraints = table == "balances" ? "ALTER TABLE balances DROP CONSTRAINT IF EXISTS ck_balances_sum;" : "";
                (await ledger.TamperAsync($"{constraints} UPDATE {table} SET {column} WHERE {where}")).ShouldNotBe(0);
                if ((await ledger.VerifyAsync()).Findings is [])
                {
                    unseen.Add($"{table}: {column.Split(' ')[0]}");
                }

                await ledger.RestoreAsync();
            }
        }

        // An erasure changes the note and the administrator. The day of a limit follows from the rule. The user hides a balance from leaderboards.
        unseen.ShouldBe(
            ["point_transactions: limit_day", "point_transactions: note", "point_transactions: actor", "balances: version", "balances: changed_at", "balances: hidden"], ignoreOrder: true);
        (await ledger.VerifyAsync()).Findings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Removed_and_inserted_entries_are_found_and_the_digest_tells_a_rewritten_chain()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        var user = Guid.CreateVersion7();
        await ledger.BookAsync(Earned(user, 1), Earned(user, 2), Earned(user, 3), Earned(Guid.CreateVersion7(), 7));
        var whole = await ledger.VerifyAsync();
        (whole.Entries, whole.Chains, whole.Points, whole.FindingCount).ShouldBe((4, 2, 13, 0));
        (await ledger.QueryAsync<string>("""
            SELECT encode(sha256(string_agg(uuid_send(chain) || int8send(sequence) || hash, '' ORDER BY chain)), 'hex') AS "Value" FROM ledger_chains
            """)).ShouldBe([whole.Digest]);
        await ledger.KeepAsync();

        foreach (var tampering in new[]
        {
            $"DELETE FROM point_transactions WHERE user_id = '{user}' AND sequence = 3",
            $"DELETE FROM point_transactions WHERE user_id = '{user}' AND sequence = 2",
            $"DELETE FROM point_transactions WHERE user_id = '{user}'",
            $"DELETE FROM ledger_chains WHERE user_id = '{user}'",
            $"DELETE FROM balances WHERE user_id = '{user}'",
            $"INSERT INTO balances (user_id, points, earned, spent, version, changed_at) VALUES (gen_random_uuid(), 5, 5, 0, 1, now())",
            $"""
            INSERT INTO point_transactions (id, user_id, kind, points, balance_after, reason, cause, created_at, chain, sequence, previous_hash, hash)
            SELECT gen_random_uuid(), user_id, 'earned', 4, balance_after + 4, 'x', 'x', now(), chain, sequence + 1, hash, sha256('x') FROM point_transactions WHERE user_id = '{user}' AND sequence = 3
            """,
        })
        {
            await ledger.TamperAsync(tampering);
            (await ledger.VerifyAsync()).FindingCount.ShouldBeGreaterThan(0, tampering);
            await ledger.RestoreAsync();
        }

        // With the function and all rows at hand a forger can rewrite a chain. The digest of before does not come back.
        await ledger.TamperAsync($"""
            UPDATE point_transactions SET points = 1003, balance_after = 1006 WHERE user_id = '{user}' AND sequence = 3;
            UPDATE point_transactions AS entry SET hash = ledger_hash(entry) WHERE user_id = '{user}' AND sequence = 3;
            UPDATE ledger_chains SET hash = (SELECT hash FROM point_transactions WHERE user_id = '{user}' AND sequence = 3) WHERE user_id = '{user}';
            UPDATE balances SET points = 1006, earned = 1006 WHERE user_id = '{user}'
            """);
        var forged = await ledger.VerifyAsync();
        forged.FindingCount.ShouldBe(0);
        forged.Digest.ShouldNotBe(whole.Digest);
    }

    [Fact]
    public async Task The_hash_is_that_of_the_database_for_any_entry()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        var text = ArbMap.Default.GeneratorFor<NonNull<string>>().Select(Storable);
        var optional = Gen.OneOf(text.Select(value => (string?)value), Gen.Constant((string?)null));
        var instants = Gen.Choose(-1_000_000_000, 2_000_000_000).SelectMany(seconds => Gen.Choose(0, 999_999).Select(micro => DateTimeOffset.UnixEpoch.AddSeconds(seconds).AddMicroseconds(micro)));
        var bookings =
            from points in Gen.Choose(1, int.MaxValue)
            from reason in text
            from rule in optional
            from reference in optional
            from category in optional
            from area in optional
            from version in Gen.OneOf(Gen.Choose(0, int.MaxValue).Select(value => (int?)value), Gen.Constant((int?)null))
            from expires in Gen.OneOf(instants.Select(value => (DateTimeOffset?)value), Gen.Constant((DateTimeOffset?)null))
            from user in Gen.Choose(1, 3)
            select new Booking(new Guid(user, 0, 0, new byte[8]), points, EntryKind.Earned, reason, $"{Guid.CreateVersion7()}{reason}"[..36])
            {
                Rule = rule,
                RuleVersion = version,
                Reference = reference,
                Category = category,
                Area = area,
                ExpiresAt = expires,
                Reverses = version is null ? null : Guid.CreateVersion7(),
            };

        await ledger.BookAsync([.. bookings.Sample(200)]);

        // The database has written the hashes, the verifier computes its own.
        var verification = await ledger.VerifyAsync();
        verification.Findings.ShouldBeEmpty();
        verification.Entries.ShouldBe(200);

        static string Storable(NonNull<string> value)
        {
            var kept = new StringBuilder();
            foreach (var rune in value.Get.EnumerateRunes().Where(rune => rune.Value != 0).Take(20))
            {
                kept.Append(rune);
            }

            return kept.Append("|ذ").ToString();
        }
    }

    [Fact]
    public async Task A_writer_beside_the_verification_causes_no_finding()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        Guid[] users = [.. Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7())];
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var writing = Task.Run(
            async () =>
            {
                for (var round = 0; !end.IsCancellationRequested; round++)
                {
                    await ledger.BookAsync([.. users.Select(user => Earned(user, 1))]);
                }
            },
            Cancel);

        for (var seen = 0L; seen < 400;)
        {
            var verification = await ledger.VerifyAsync();
            verification.Findings.ShouldBeEmpty();
            (verification.Entries % users.Length).ShouldBe(0);
            seen = verification.Entries;
        }

        await end.CancelAsync();
        await writing;
    }

    [Theory]
    [InlineData("UPDATE point_transactions SET points = points + 1 WHERE user_id = '{0}'")]
    [InlineData("UPDATE point_transactions SET user_id = gen_random_uuid() WHERE user_id = '{0}'")]
    [InlineData("UPDATE point_transactions SET note = 'another' WHERE user_id = '{0}'")]
    [InlineData("UPDATE point_transactions SET actor = gen_random_uuid() WHERE user_id = '{0}'")]
    [InlineData("DELETE FROM point_transactions WHERE user_id = '{0}'")]
    [InlineData("TRUNCATE point_transactions")]
    public async Task The_database_refuses_to_change_or_remove_entries(string statement)
    {
        var user = Guid.CreateVersion7();
        await service.EarnAsync(user, 1);

        var refused = await Should.ThrowAsync<PostgresException>(() => service.QueryAsync(
            database => database.Database.ExecuteSqlRawAsync(string.Format(null, statement, user), Cancel)));

        refused.MessageText.ShouldBe("The ledger is append-only.");
        (await service.QueryAsync(database => database.Transactions.CountAsync(entry => entry.UserId == user))).ShouldBe(1);
    }

    [Fact]
    public async Task Entries_of_the_version_before_get_a_kind_and_a_place_in_the_chain()
    {
        await using var ledger = await LedgerDatabase.CreateAsync(service);
        foreach (var user in new[] { Guid.CreateVersion7(), ErasedUser.Id })
        {
            await ledger.ExecuteAsync($"""
                INSERT INTO point_transactions (id, user_id, points, balance_after, reason, cause, rule, created_at) VALUES
                    ('{Guid.CreateVersion7()}', '{user}', 50, 50, 'report_resolved', 'a{user}', 'report_resolved', now()),
                    ('{Guid.CreateVersion7()}', '{user}', -20, 30, 'redeemed', 'b{user}', NULL, now()),
                    ('{Guid.CreateVersion7()}', '{user}', 20, 50, 'refunded', 'c{user}', NULL, now());
                INSERT INTO balances (user_id, points, earned, spent, version, changed_at) VALUES ('{user}', 50, 50, 0, 3, now());
                """);
        }

        (await ledger.QueryAsync<string>("""SELECT concat_ws(' ', kind, sequence) AS "Value" FROM point_transactions ORDER BY chain, sequence"""))
            .ShouldBe(["earned 1", "spent 2", "spent 3", "earned 1", "spent 2", "spent 3"]);
        var verification = await ledger.VerifyAsync();
        verification.Findings.ShouldBeEmpty();
        verification.Points.ShouldBe(50); // deleted users spend nothing
    }

    [Fact]
    public async Task The_command_prints_the_sums_the_digest_and_the_findings()
    {
        LedgerFinding[] findings = [new(Guid.Empty, 3, "It was changed."), new(Guid.Empty, null, "It has no head.")];
        await using var output = new StringWriter { NewLine = "\n" };

        await VerifyCommand.WriteAsync(new LedgerVerification(4, 2, 13, "abc", 102, findings), output);

        output.ToString().ShouldBe("""
            4 entries in 2 chains, 13 points outstanding
            Digest of the heads: abc
            Chain 00000000-0000-0000-0000-000000000000, entry 3: It was changed.
            Chain 00000000-0000-0000-0000-000000000000: It has no head.
            102 findings; the first 100 are shown.

            """);
    }

    private static Booking Earned(Guid user, int points) => new(user, points, EntryKind.Earned, "test", $"test:{Guid.CreateVersion7()}");
}
