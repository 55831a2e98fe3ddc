using Kashif.Messaging.Database;

namespace Kashif.Messaging.Tests;

public sealed class QuerySummaryTests
{
    [Theory]
    [InlineData("SELECT r.id, r.title FROM reports AS r WHERE r.id = @id LIMIT 1", "SELECT reports")]
    [InlineData("INSERT INTO reports (id) VALUES (@p0);\nINSERT INTO outbox (id) VALUES (@p1);\nINSERT INTO outbox (id) VALUES (@p2);", "INSERT reports INSERT outbox")]
    [InlineData("UPDATE \"users\" SET name = @p0 WHERE id = @p1 RETURNING 1", "UPDATE users")]
    [InlineData("DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox ORDER BY id FOR UPDATE SKIP LOCKED))", "DELETE outbox")]
    [InlineData("insert into balances (user_id) values ($1) on conflict (user_id) do update set points = 1", "INSERT balances")]
    [InlineData("WITH spent AS (UPDATE balances SET points = 0 RETURNING points) SELECT points FROM spent", "UPDATE balances")]
    [InlineData("SELECT EXISTS (\n    SELECT 1\n    FROM users AS u)", "SELECT users")]
    [InlineData("SELECT count(*) FROM (SELECT id FROM coupons) AS c", "SELECT coupons")]
    [InlineData("  SELECT pg_advisory_xact_lock(@key)", "SELECT")]
    [InlineData("lock table outbox", "LOCK")]
    [InlineData("", "")]
    public void A_query_summary_has_operations_and_tables(string sql, string summary) => QuerySummary.Of(sql).ShouldBe(summary);
}
