using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace Kashif.Reporting.Sync;

/// <summary>The present state of a report that has changed.</summary>
/// <param name="Id">The report's id.</param>
/// <param name="Deleted" example="false">True: the report is gone, or not public any more. Delete it.</param>
/// <param name="Report">The report; absent if it is gone.</param>
internal sealed record SyncItem(Guid Id, bool Deleted, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ReportResponse? Report);

/// <summary>Changes of public reports, in the order in which they became known.</summary>
/// <param name="Items">The reports that have changed, each in its present state.</param>
/// <param name="NextCursor" example="NzQyfDAxOThmMGEwMTExMTcwMDA4MDAwMDAwMDAwMDAwMDAxfDE3OTU5NDQwMDB8NzQyLTE2Mzg0">For the next request. Store it with the reports.</param>
/// <param name="HasMore" example="false">True: more changes are known already. False: ask again later.</param>
internal sealed record SyncResponse(IReadOnlyList<SyncItem> Items, string NextCursor, bool HasMore);

/// <summary>A feed from which a client keeps a copy of the public reports.</summary>
internal static class SyncEndpoints
{
    private const int MaxLimit = 1000;

    private static readonly Error Expired = new(
        StatusCodes.Status410Gone, "cursor_expired", "The cursor is too old, or from before a restore or a failover of the database. Delete your copy, and start without a cursor.");

    public static IEndpointRouteBuilder MapSync(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/reports/sync", ReadAsync).RequireAuthorization().WithTags("Sync")
            .WithName("SyncReports").WithSummary("Get what has changed since the last call")
            .WithDescription(
                "The first call has no cursor and lists all public reports. Each later call sends the last `next_cursor` and lists the reports that have changed since, in their present state. "
                + "`deleted` reports are gone. The feed misses no change; a change may come twice.")
            .WithProblems(410, "cursor_expired");
        return endpoints;
    }

    /// <param name="cursor" example="NzQyfDAxOThmMGEwMTExMTcwMDA4MDAwMDAwMDAwMDAwMDAxfDE3OTU5NDQwMDB8NzQyLTE2Mzg0">The `next_cursor` of the last response; none for the first call.</param>
    /// <param name="limit" example="500">The greatest number of items.</param>
    private static async Task<Results<Ok<SyncResponse>, ValidationProblem, ProblemHttpResult>> ReadAsync(
        [FromQuery(Name = "cursor"), Text(300)] string? cursor,
        [FromQuery(Name = "limit"), Between(1, MaxLimit)] int? limit,
        ReportingDbContext database,
        IOptions<SyncOptions> options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var identity = await FeedIdentities.CurrentAsync(database, cancellationToken);
        var after = new SyncCursor(0, Guid.Empty, identity, now);
        if (cursor is not null)
        {
            if (!SyncCursor.TryDecode(cursor, out after))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            if (after.Identity != identity || now - after.ReadAt > options.Value.KeepTombstonesFor)
            {
                return Expired.ToProblem();
            }
        }

        var size = limit ?? 500;
        var transaction = new NpgsqlParameter<ulong>("transaction", NpgsqlDbType.Xid8) { TypedValue = after.ChangedIn };
        var rows = await (
            from change in database.ReportChanges.FromSql($"""
                SELECT * FROM report_changes
                WHERE was_public AND (changed_in, report_id) > ({transaction}, {after.ReportId}) AND changed_in < pg_snapshot_xmin(pg_current_snapshot())
                ORDER BY changed_in, report_id LIMIT {size + 1}
                """)
            join known in database.Reports.AsNoTracking().Public() on change.ReportId equals known.Id into found
            from known in found.DefaultIfEmpty()
            orderby change.ChangedIn, change.ReportId
            select new { change.ReportId, change.ChangedIn, Report = known }).ToListAsync(cancellationToken);

        var items = rows.Take(size).Select(row =>
            new SyncItem(row.ReportId, row.Report is null, row.Report is null ? null : ReportResponse.From(row.Report, View.Public))).ToList();
        var last = items.Count > 0 ? rows[items.Count - 1] : null;
        var next = last is null ? after with { ReadAt = now } : new SyncCursor(last.ChangedIn, last.ReportId, identity, now);
        return TypedResults.Ok(new SyncResponse(items, next.Encode(), rows.Count > size));
    }
}
