using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>The invariants of the whole system, over the data of all tests so far.</summary>
internal static class Invariants
{
    private static readonly string[] Publishers = [ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb];

    /// <summary>Waits until all redemptions and orders have ended and all events are published, then asserts every invariant.</summary>
    public static async Task InvariantsHoldAsync(this KashifSystem system)
    {
        await system.WaitForQuietAsync();

        (await system.RowsAsync(ResourceNames.GamificationDb, WrongBalances)).ShouldBeEmpty("balances that differ from the ledger");
        (await system.RowsAsync(ResourceNames.GamificationDb, WrongChains)).ShouldBeEmpty("entries of the ledger whose hash or place in the chain is wrong");
        (await system.RowsAsync(ResourceNames.GamificationDb, WrongTotals)).ShouldBeEmpty("totals of the month or the week that differ from the ledger");
        (await system.RowsAsync(ResourceNames.GamificationDb, WrongBudgets)).ShouldBeEmpty("budgets that differ from the rewards of their quests, and rewards that are not in the ledger once");
        (await system.RowsAsync(ResourceNames.CouponsDb, WrongStock)).ShouldBeEmpty("coupons whose sold and remaining items differ from their stock");
        (await system.RowsAsync(ResourceNames.CouponsDb, WrongMovements)).ShouldBeEmpty("coupons whose stock differs from its movements");
        (await system.RowsAsync(ResourceNames.CouponsDb, WrongProductStock)).ShouldBeEmpty("products whose stock differs from its movements or its orders");
        (await system.RowsAsync(ResourceNames.CouponsDb, ExceededLimits)).ShouldBeEmpty("users above a coupon's limit");
        (await system.RowsAsync(ResourceNames.CouponsDb, WrongCodes)).ShouldBeEmpty("codes that are missing, shared or issued without a completed redemption");
        (await system.RowsAsync(ResourceNames.GamificationDb, Debits)).ShouldBe(
            await system.RowsAsync(ResourceNames.CouponsDb, Completed), ignoreOrder: true, "debits, and completed redemptions and paid orders");
        await system.NotificationsAreExactAsync();
    }

    private static Task WaitForQuietAsync(this KashifSystem system) => Eventually.TrueAsync(
        async () =>
        {
            if (await system.CountAsync(ResourceNames.CouponsDb, "SELECT (SELECT count(*) FROM redemptions WHERE ended_at IS NULL) + (SELECT count(*) FROM orders WHERE status IN ('placed', 'cancelling'))") > 0)
            {
                return false;
            }

            foreach (var database in Publishers)
            {
                if (await system.CountAsync(database, "SELECT count(*) FROM outbox") > 0)
                {
                    return false;
                }
            }

            return true;
        },
        "the end of all redemptions and orders and the publication of all events");

    /// <summary>Compares the notifications with the rows whose events they are due for. Deleted users have neither.</summary>
    private static async Task NotificationsAreExactAsync(this KashifSystem system)
    {
        string[] lost = [], surplus = [];
        await Eventually.TrueAsync(
            async () =>
            {
                // The notifications first: a row that is added in between is due but cannot be surplus.
                var sent = await system.RowsAsync(ResourceNames.NotificationsDb, Notifications);
                List<string> due =
                [
                    .. await system.RowsAsync(ResourceNames.AuthDb, Registrations), .. await system.RowsAsync(ResourceNames.ReportingDb, ReportEvents),
                    .. await system.RowsAsync(ResourceNames.GamificationDb, PointAwards), .. await system.RowsAsync(ResourceNames.CouponsDb, Purchases),
                ];
                var deleted = (await system.RowsAsync(ResourceNames.AuthDb, "SELECT user_id::text FROM account_deletions")).ToHashSet();
                lost = [.. Without(due, sent).Where(IsOfUser)];
                surplus = [.. Without(sent, due).Where(IsOfUser)];
                return lost is [];

                bool IsOfUser(string row) => !deleted.Contains(row.Split(' ')[0]);
            },
            () => $"the notifications {string.Join(", ", lost.Take(10))}");
        surplus.ShouldBeEmpty("notifications sent twice or without a reason");
        (await system.RowsAsync(ResourceNames.NotificationsDb, ToldTwice)).ShouldBeEmpty("users who were told of a comment twice");
    }

    /// <summary>The rows that occur more often in <paramref name="rows"/> than in <paramref name="others"/>.</summary>
    private static IEnumerable<string> Without(IEnumerable<string> rows, IEnumerable<string> others)
    {
        var counts = others.CountBy(row => row).ToDictionary();
        return rows.CountBy(row => row).Where(row => row.Value > counts.GetValueOrDefault(row.Key)).Select(row => row.Key);
    }

    private const string WrongBalances = """
        SELECT user_id::text FROM balances b
        FULL JOIN (
            SELECT user_id, sum(points) AS points, sum(owed) AS owed, sum(points) FILTER (WHERE kind = 'earned') AS earned,
                sum(-points) FILTER (WHERE kind = 'spent') AS spent, sum(-points) FILTER (WHERE kind = 'expired') AS expired,
                sum(-points) FILTER (WHERE kind = 'reversed') AS reversed
            FROM point_transactions GROUP BY user_id) l USING (user_id)
        WHERE coalesce(b.points, 0) < 0
            OR (coalesce(b.points, 0), coalesce(b.earned, 0), coalesce(b.spent, 0), coalesce(b.expired, 0), coalesce(b.reversed, 0))
            <> (coalesce(l.points, 0), coalesce(l.earned, 0), coalesce(l.spent, 0), coalesce(l.expired, 0), coalesce(l.reversed, 0))
            OR user_id <> '00000000-0000-0000-0000-000000000000' AND coalesce(b.owed, 0) <> coalesce(l.owed, 0)
        """;

    private const string WrongChains = """
        SELECT format('%s: %s', chain, sequence) FROM (
            SELECT t.*, lag(hash) OVER chained AS before, row_number() OVER chained AS place, ledger_hash(t) AS computed
            FROM point_transactions t WINDOW chained AS (PARTITION BY chain ORDER BY sequence)) t
        WHERE hash <> computed OR previous_hash IS DISTINCT FROM before OR sequence <> place
        """;

    private const string WrongTotals = """
        SELECT concat_ws(' ', period, user_id)
        FROM (SELECT user_id, period, points FROM period_totals WHERE starts_on = date_trunc(period, now() AT TIME ZONE 'UTC')::date) t
        FULL JOIN (
            SELECT user_id, period, sum(points - owed) AS points FROM point_transactions CROSS JOIN (VALUES ('month'), ('week')) AS periods (period)
            WHERE rule IS NOT NULL AND user_id <> '00000000-0000-0000-0000-000000000000'
            AND created_at >= date_trunc(period, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' GROUP BY user_id, period) l USING (user_id, period)
        WHERE t.points IS DISTINCT FROM l.points
        """;

    private const string WrongBudgets = """
        SELECT format('%s: %s of %s reserved, %s spent', b.id, b.reserved, b.points, b.spent) FROM budgets b
        LEFT JOIN (SELECT budget_id, sum(reward) FILTER (WHERE status = 'joined') AS reserved, sum(reward) FILTER (WHERE status = 'completed') AS spent
            FROM quest_participations GROUP BY budget_id) p ON p.budget_id = b.id
        WHERE (b.reserved, b.spent) <> (coalesce(p.reserved, 0), coalesce(p.spent, 0)) OR b.reserved + b.spent > b.points
        UNION ALL
        SELECT p.id::text FROM quest_participations p LEFT JOIN point_transactions t ON t.cause = 'quest:' || p.id
        GROUP BY p.id HAVING coalesce(sum(t.points), 0) <> CASE p.status WHEN 'completed' THEN p.reward ELSE 0 END
        """;

    private const string WrongStock = """
        SELECT format('%s: %s of %s left, %s sold', c.id, c.stock, c.initial_stock + c.restocked, count(r.id)) FROM coupons c
        LEFT JOIN redemptions r ON r.coupon_id = c.id AND r.status <> 'cancelled'
        GROUP BY c.id HAVING c.stock < 0 OR c.stock + count(r.id) <> c.initial_stock + c.restocked
        """;

    private const string WrongMovements = """
        SELECT format('%s: %s', c.id, c.stock) FROM coupons c LEFT JOIN stock_movements m ON m.coupon_id = c.id
        GROUP BY c.id HAVING c.stock <> coalesce(sum(m.quantity), 0)
        """;

    /// <remarks>Redemptions of deleted users share one user id.</remarks>
    private const string ExceededLimits = """
        SELECT format('%s: %s', c.id, r.user_id) FROM coupons c JOIN redemptions r ON r.coupon_id = c.id AND r.status <> 'cancelled'
        WHERE r.user_id <> '00000000-0000-0000-0000-000000000000'
        GROUP BY c.id, r.user_id HAVING count(*) > c.per_user_limit
        """;

    private const string WrongCodes = """
        SELECT format('%s: %s', min(id::text), code) FROM redemptions WHERE code IS NOT NULL AND code_mode <> 'shared' GROUP BY code HAVING count(*) > 1
        UNION ALL
        SELECT id::text FROM redemptions WHERE (coalesce(code, '') <> '') <> (status = 'completed')
        """;

    private const string Debits = """
        SELECT format('%s: %s', split_part(cause, ':', 2), -points) FROM point_transactions debit WHERE cause SIMILAR TO '(redemption|order):%'
        AND NOT EXISTS (SELECT FROM point_transactions refund WHERE refund.cause = 'refund:' || split_part(debit.cause, ':', 2))
        """;

    private const string Completed = """
        SELECT format('%s: %s', id, points_cost) FROM redemptions WHERE status = 'completed'
        UNION ALL
        SELECT format('%s: %s', id, total_points) FROM orders WHERE status IN ('paid', 'packed', 'shipped', 'delivered')
        """;

    private const string WrongProductStock = """
        SELECT format('%s: %s on hand, %s reserved', sku, p.on_hand, p.reserved) FROM products p
        LEFT JOIN LATERAL (SELECT
            coalesce(sum(CASE WHEN kind IN ('received', 'adjusted', 'returned') THEN quantity WHEN kind = 'sold' THEN -quantity END), 0) AS on_hand,
            coalesce(sum(CASE WHEN kind = 'reserved' THEN quantity WHEN kind IN ('sold', 'released') THEN -quantity END), 0) AS reserved
            FROM product_movements WHERE product_id = p.id) m ON true
        LEFT JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS reserved FROM order_items JOIN orders o ON o.id = order_id
            WHERE product_id = p.id AND paid_at IS NULL AND status <> 'cancelled') o ON true
        WHERE (p.on_hand, p.reserved) <> (m.on_hand, m.reserved) OR p.reserved <> o.reserved
        """;

    private const string Notifications = """
        SELECT concat_ws(' ', user_id, CASE WHEN type = 'alert' THEN 'report.overdue' ELSE type END, coalesce(data->>'report_id', data->>'transaction_id', data->>'redemption_id', data->>'order_id', data->>'quest_id', data->>'code'), data->>'status') FROM notifications
        WHERE template_code = 'alert.report_overdue' -- takes the place of report.overdue
        OR type NOT IN ('alert', 'report.commented', 'report.followed_changed', 'area.report_created', 'area.report_resolved', 'report.assigned', 'visit.updated') -- due by the users' own rules; by comments, follows, assignments and visits, which can be gone
        """;

    private const string ToldTwice = """
        SELECT concat_ws(' ', user_id, data->>'comment_id') FROM notifications WHERE type = 'report.commented'
        GROUP BY user_id, data->>'comment_id' HAVING count(*) > 1
        """;

    private const string Registrations = "SELECT id || ' user.registered' FROM users";

    /// <remarks>An edit keeps the status. What an imported report went through before the import is told to no one.</remarks>
    private const string ReportEvents = """
        SELECT concat_ws(' ', user_id, 'report.created', id) FROM reports WHERE user_id <> '00000000-0000-0000-0000-000000000000'
        AND NOT EXISTS (SELECT FROM imported_reports imported WHERE imported.report_id = id)
        UNION ALL
        SELECT concat_ws(' ', user_id, 'report.status_updated', id, "to") FROM reports JOIN status_changes change ON change.report_id = id
        WHERE user_id <> '00000000-0000-0000-0000-000000000000' AND changed_by <> user_id AND "from" <> "to"
        AND NOT EXISTS (SELECT FROM imported_reports imported WHERE imported.report_id = id AND imported.version >= change.version)
        UNION ALL
        SELECT concat_ws(' ', user_id, 'report.overdue', id) FROM reports WHERE overdue_at IS NOT NULL AND user_id <> '00000000-0000-0000-0000-000000000000'
        AND NOT EXISTS (SELECT FROM imported_reports imported WHERE imported.report_id = id)
        UNION ALL
        SELECT concat_ws(' ', user_id, 'survey.requested', report_id) FROM survey_requests WHERE user_id <> '00000000-0000-0000-0000-000000000000'
        """;

    /// <remarks>Credits that expire together are told once, with the last entry; their entries are a microsecond apart.</remarks>
    private const string PointAwards = """
        SELECT concat_ws(' ', user_id, CASE kind WHEN 'earned' THEN 'points.awarded' WHEN 'expired' THEN 'points.expired' ELSE 'points.reversed' END, id)
        FROM point_transactions entry
        WHERE (kind <> 'spent' OR points > 0) AND reason <> 'report_unnamed' AND user_id <> '00000000-0000-0000-0000-000000000000'
        AND NOT (kind = 'expired' AND EXISTS (SELECT FROM point_transactions later WHERE later.chain = entry.chain AND later.sequence = entry.sequence + 1
            AND later.kind = 'expired' AND later.created_at = entry.created_at + interval '1 microsecond'))
        UNION ALL
        SELECT concat_ws(' ', user_id, 'quest.completed', quest_id) FROM quest_participations
        WHERE status = 'completed' AND user_id <> '00000000-0000-0000-0000-000000000000'
        UNION ALL
        SELECT concat_ws(' ', user_id, 'achievement.unlocked', code) FROM unlocked_achievements
        """;

    private const string Purchases = """
        SELECT concat_ws(' ', user_id, 'coupon.redeemed', id) FROM redemptions
        WHERE (status = 'completed' OR cancelled_at IS NOT NULL) AND user_id <> '00000000-0000-0000-0000-000000000000'
        UNION ALL
        SELECT concat_ws(' ', user_id, 'order.updated', id, step) FROM orders CROSS JOIN unnest(ARRAY['packed', 'shipped', 'delivered', 'cancelled']) AS step
        WHERE user_id <> '00000000-0000-0000-0000-000000000000' AND CASE
            WHEN status <> 'cancelled' THEN array_position(ARRAY['packed', 'shipped', 'delivered'], step) <= array_position(ARRAY['packed', 'shipped', 'delivered'], status)
            WHEN step = 'cancelled' THEN cancel_reason <> 'buyer'
            ELSE step = 'packed' AND version = 5 END -- placed, paid, packed, cancelling, cancelled
        """;
}
