using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Lists;

/// <summary>What a list has.</summary>
/// <param name="Size">The page size. One more row is read, to know whether another page follows.</param>
/// <param name="Around">The point to measure distances from.</param>
internal sealed record ReportSearch(ReportFilter Filter, int Size, Place? Around = null, double? RadiusKm = null, BoundingBox? Box = null)
{
    public int Rows => Size + 1;

    public Areas? Areas
    {
        get
        {
            Area?[] parts = [Around is { } centre && RadiusKm is { } radius ? new Circle(centre, radius) : null, Box];
            return parts.OfType<Area>().ToArray() is { Length: > 0 } present ? new Areas(present) : null;
        }
    }
}

/// <param name="Key">What the list is sorted by, besides the id: the distance from its point in metres, or the rank, which PostgreSQL computes, because the cursor must compare equal there.</param>
internal readonly record struct ReportRow(ReportResponse Report, double Key);

/// <summary>
/// Reads lists of reports. Those of the public are searched in memory (<see cref="PublicReports"/>); PostgreSQL finds words, and a user's own reports.
/// The SQL is hand-written to control its plans.
/// </summary>
internal sealed class ReportLists(ReportingDbContext database, ReportColumns columns, PublicReports reports, RecentReports recent)
{
    /// <summary>
    /// How many of the newest reports to search for words, before another plan than their order is better: about 5 ms.
    /// </summary>
    private const int Recent = 5_000;

    /// <summary>How many reports of an area to search for words at a time.</summary>
    private const int Candidates = 2_000;

    /// <summary>How many of the nearest reports to search for words.</summary>
    private const int NearestCandidates = 20_000;

    /// <summary>How many of the newest matches are ranked: some milliseconds.</summary>
    private const int Ranked = 1_000;

    /// <summary>How often to search for a page whose reports change meanwhile.</summary>
    private const int MostTurns = 4;

    /// <summary>Up to how many reports are counted.</summary>
    public const int Counted = 10_000;

    /// <summary>How many reports to look at in memory.</summary>
    public int Patience { get; init; } = PublicReports.Patience;

    /// <param name="before">The last id of the previous page.</param>
    public async Task<List<ReportRow>> NewestAsync(ReportSearch search, Guid? before, CancellationToken cancellationToken)
    {
        var filter = search.Filter;
        return filter.UserId is not null || (filter.Text is not null && search.Areas is null)
            ? await NewestOfTableAsync(search, before, cancellationToken)
            : await FetchAsync(search, FindAsync, cancellationToken);

        async Task<List<FoundReport>> FindAsync()
        {
            // The newest in memory; what they have too few of, PostgreSQL finds.
            var (found, rest) = reports.Newest(filter, search.Areas, before ?? Guid.AllBitsSet, filter.Text is null ? search.Rows : Candidates, Patience);
            if (filter.Text is not null)
            {
                rest = found.Count == Candidates ? found[^1].Id : rest;
                found = await WithWordsAsync(found, filter, search.Rows, cancellationToken);
            }

            if (rest is { } last && found.Count < search.Rows)
            {
                found.AddRange(await RestAsync(search, last, search.Rows - found.Count, cancellationToken));
            }

            return found;
        }
    }

    /// <param name="after">The last distance and id of the previous page.</param>
    public async Task<List<ReportRow>> NearestAsync(ReportSearch search, (double Metres, Guid Id)? after, CancellationToken cancellationToken)
    {
        var centre = search.Around ?? throw new InvalidOperationException("Nearest requires a point.");
        var rows = await FetchAsync(search, FindAsync, cancellationToken);
        rows.Sort((one, other) => (one.Key, one.Report.Id).CompareTo((other.Key, other.Report.Id)));
        return rows;

        async Task<List<FoundReport>> FindAsync()
        {
            var first = after ?? (-1, Guid.Empty);
            return search.Filter.Text is null
                ? reports.Nearest(search.Filter, centre, search.Areas, first, search.Rows)
                : await WithWordsAsync(reports.Nearest(search.Filter, centre, search.Areas, first, NearestCandidates), search.Filter, search.Rows, cancellationToken);
        }
    }

    /// <summary>The newest matches of <see cref="ReportFilter.Text"/>, those first that have the words more often and closer together.</summary>
    /// <param name="after">The last rank and id of the previous page.</param>
    public async Task<List<ReportRow>> MostRelevantAsync(ReportSearch search, (double Rank, Guid Id)? after, CancellationToken cancellationToken)
    {
        var ranks = new Dictionary<Guid, double>();
        var rows = await FetchAsync(search, FindAsync, cancellationToken);
        rows = rows.ConvertAll(row => row with { Key = ranks[row.Report.Id] });
        rows.Sort((one, other) => (other.Key, other.Report.Id).CompareTo((one.Key, one.Report.Id)));
        return rows;

        async Task<List<FoundReport>> FindAsync()
        {
            var sql = new SqlParameters();
            var text = sql.Add(search.Filter.Text ?? throw new InvalidOperationException("Relevance requires words."));
            var area = search.Areas is { } areas ? $" AND {areas.Sql(sql)}" : "";
            var rest = after is { } last ? $" WHERE (rank, id) < ({sql.Add(last.Rank)}, {sql.Add(last.Id)})" : "";
            var ranked = await ReadAsync(sql, $"""
                SELECT id, changes, rank FROM (
                    SELECT id, changes, ts_rank(words, {ReportWords.Query(text)})::float8 AS rank FROM (
                        SELECT id, words, {PublicReports.ChangesSql} AS changes FROM reports WHERE {search.Filter.Sql(sql)}{area} ORDER BY id DESC LIMIT {Ranked}
                    ) newest
                ) ranked{rest} ORDER BY rank DESC, id DESC LIMIT {search.Rows}
                """, row => (Found: ReadFound(row), Rank: row.GetDouble(2)), cancellationToken);
            ranks = ranked.ToDictionary(row => row.Found.Id, row => row.Rank);
            return ranked.ConvertAll(row => row.Found);
        }
    }

    /// <summary>Call it after reading a page: it counts what the page was read from.</summary>
    /// <returns>How many reports the whole list has, at most <see cref="Counted"/> + 1.</returns>
    public async Task<int> CountAsync(ReportSearch search, CancellationToken cancellationToken)
    {
        if (search.Filter.Text is null)
        {
            return reports.Count(search.Filter, search.Areas, Counted + 1);
        }

        var sql = new SqlParameters();
        var area = search.Areas is { } areas ? $" AND {areas.Sql(sql)}" : "";
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand($"SELECT count(*)::int FROM (SELECT FROM reports WHERE {search.Filter.Sql(sql)}{area} LIMIT {Counted + 1}) counted"));
        return (int)(await batch.ExecuteScalarAsync(cancellationToken) ?? 0);
    }

    /// <summary>A user's own reports, in the order of an index; or those of the newest that have words, and if they are too few, those of the whole table.</summary>
    private async Task<List<ReportRow>> NewestOfTableAsync(ReportSearch search, Guid? before, CancellationToken cancellationToken)
    {
        var filter = search.Filter;
        if (filter.Text is not null)
        {
            var recently = new SqlParameters();
            var rows = await ReadRowsAsync(search, recently, $"""
                SELECT {columns.Names} FROM (
                    SELECT * FROM reports WHERE {filter.Range(recently)}{Earlier(recently, before)} ORDER BY id DESC LIMIT {Recent}
                ) recent WHERE {filter.Matches(recently)} ORDER BY id DESC LIMIT {search.Rows}
                """, cancellationToken);
            if (rows.Count == search.Rows)
            {
                return rows;
            }
        }

        // OFFSET 0 stops the planner from reading by id again, because it expects to fill the page soon.
        var sql = new SqlParameters();
        return await ReadRowsAsync(search, sql, filter.Text is null
            ? $"SELECT {columns.Names} FROM reports WHERE {filter.Sql(sql)}{Earlier(sql, before)} ORDER BY id DESC LIMIT {search.Rows}"
            : $"SELECT {columns.Names} FROM (SELECT * FROM reports WHERE {filter.Sql(sql)}{Earlier(sql, before)} OFFSET 0) matching ORDER BY id DESC LIMIT {search.Rows}", cancellationToken);
    }

    /// <returns>The candidates with the words, in their order.</returns>
    private async Task<List<FoundReport>> WithWordsAsync(List<FoundReport> candidates, ReportFilter filter, int most, CancellationToken cancellationToken)
    {
        var sql = new SqlParameters();
        var found = await ReadAsync(
            sql, $"SELECT id, {PublicReports.ChangesSql} FROM reports WHERE id = ANY({sql.Add(candidates.ConvertAll(candidate => candidate.Id).ToArray())}) AND {filter.Sql(sql)}", ReadFound, cancellationToken);
        var matching = found.Select(report => report.Id).ToHashSet();
        return [.. candidates.Where(candidate => matching.Contains(candidate.Id)).Take(most)];
    }

    /// <summary>Older matches. One category or status has an index in the order of the list; for more, the planner knows what is best, and OFFSET 0 keeps it from that order.</summary>
    private Task<List<FoundReport>> RestAsync(ReportSearch search, Guid before, int count, CancellationToken cancellationToken)
    {
        var sql = new SqlParameters();
        var area = search.Areas is { } areas ? $" AND {areas.Sql(sql)}" : "";
        var isOrdered = search.Areas is null && search.Filter is { Categories.Count: <= 1, Statuses.Count: <= 1 };
        return ReadAsync(
            sql,
            $"SELECT * FROM (SELECT id, {PublicReports.ChangesSql} FROM reports WHERE {search.Filter.Sql(sql)}{area}{Earlier(sql, before)}{(isOrdered ? "" : " OFFSET 0")}) rest ORDER BY id DESC LIMIT {count}",
            ReadFound,
            cancellationToken);
    }

    /// <summary>
    /// Reads what a search has found, in its order. A report that was deleted or hidden in between is missing: then searches again, because a page with a row less
    /// would look like the last one. If reports are still missing, memory and table differ by a change that the feed has not told: all are read again, once.
    /// </summary>
    private async Task<List<ReportRow>> FetchAsync(ReportSearch search, Func<Task<List<FoundReport>>> find, CancellationToken cancellationToken)
    {
        for (var turn = 1; ; turn++)
        {
            await database.Database.CloseConnectionAsync(); // the refresh needs one of the same pool
            await reports.RefreshAsync(cancellationToken);
            var loads = reports.Loads;
            var found = await find();
            var known = new Dictionary<Guid, ReportResponse>(found.Count);
            foreach (var report in found)
            {
                if (recent.Get(loads, report) is { } response)
                {
                    known[report.Id] = response;
                }
            }

            if (known.Count < found.Count)
            {
                var sql = new SqlParameters();
                var ids = found.Where(report => !known.ContainsKey(report.Id)).Select(report => report.Id).ToArray();
                foreach (var report in await ReadAsync(
                    sql, $"SELECT {columns.Names} FROM reports WHERE id = ANY({sql.Add(ids)}) AND {ReportVisibility.PublicSql}", columns.Read, cancellationToken))
                {
                    var response = ReportResponse.From(report, View.Public);
                    recent.Add(loads, report.Version + report.Activity, response);
                    known[report.Id] = response;
                }
            }

            if (known.Count == found.Count || turn == MostTurns)
            {
                return [.. found.Where(report => known.ContainsKey(report.Id)).Select(report => ToRow(search, known[report.Id]))];
            }

            if (turn == MostTurns - 1)
            {
                reports.Forget();
            }
        }
    }

    private static ReportRow ToRow(ReportSearch search, ReportResponse report)
    {
        if (search.Around is not { } centre)
        {
            return new ReportRow(report, 0);
        }

        var metres = centre.MetresTo(new Place(report.Latitude, report.Longitude));
        return new ReportRow(report with { DistanceKm = Math.Round(metres / 1000, 3) }, metres);
    }

    private static string Earlier(SqlParameters sql, Guid? before) => before is { } id ? $" AND id < {sql.Add(id)}" : "";

    private async Task<List<ReportRow>> ReadRowsAsync(ReportSearch search, SqlParameters sql, string text, CancellationToken cancellationToken) =>
        (await ReadAsync(sql, text, columns.Read, cancellationToken)).ConvertAll(report => ToRow(search, ReportResponse.From(report, search.Filter.UserId is null ? View.Public : View.Full)));

    /// <summary>Reads a row that begins with an id and <see cref="PublicReports.ChangesSql"/>.</summary>
    private static FoundReport ReadFound(NpgsqlDataReader row) => new(row.GetGuid(0), row.GetInt32(1));

    private async Task<List<T>> ReadAsync<T>(SqlParameters sql, string text, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand(text));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var rows = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
