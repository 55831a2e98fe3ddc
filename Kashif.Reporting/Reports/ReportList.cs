using Kashif.Reporting.Data;

namespace Kashif.Reporting.Reports;

/// <param name="Key">
/// What the list is sorted by, besides the id: the distance from its point in metres, or the rank. Computed by PostgreSQL, because the cursor must compare equal there.
/// </param>
internal readonly record struct ReportRow(ReportResponse Report, double Key);

/// <summary>Reads lists of reports. The SQL is hand-written to control its plans.</summary>
/// <param name="size">The page size. One more row is read, to know whether another page follows.</param>
internal sealed class ReportList(ReportingDbContext database, ReportColumns columns, int size)
{
    /// <summary>
    /// How many of the newest reports to read, before another plan than their order is better for a selective filter: about 5 ms.
    /// </summary>
    private const int Recent = 5_000;

    /// <summary>How many of the newest matches are ranked: some milliseconds.</summary>
    private const int Ranked = 1_000;

    /// <summary>Up to how many reports are counted.</summary>
    public const int Counted = 10_000;

    private readonly int _rows = size + 1;

    public required ReportFilter Filter { get; init; }

    /// <summary>The point to measure distances from.</summary>
    public Place? Around { get; init; }

    public double? RadiusKm { get; init; }

    public BoundingBox? Box { get; init; }

    private Areas? Areas
    {
        get
        {
            Area?[] parts = [Around is { } centre && RadiusKm is { } radius ? new Circle(centre, radius) : null, Box];
            return parts.OfType<Area>().ToArray() is { Length: > 0 } present ? new Areas(present) : null;
        }
    }

    /// <param name="before">The last id of the previous page.</param>
    public async Task<List<ReportRow>> NewestAsync(Guid? before, CancellationToken cancellationToken)
    {
        if (Areas is not { } areas)
        {
            return await EverywhereAsync(before, cancellationToken);
        }

        var walk = new CellWalk(database, Filter, areas);
        var ids = await walk.FindAsync(before ?? Guid.AllBitsSet, _rows, cancellationToken);
        if (!walk.IsComplete)
        {
            ids.AddRange(await RestAsync(areas, walk.Before, _rows - ids.Count, cancellationToken));
        }

        var rows = await FetchAsync(ids, cancellationToken);
        return rows.Count == ids.Count ? rows : await NewestAsync(before, cancellationToken);
    }

    /// <summary>Without an area. One category or status has an index in the order of the list; the planner knows what several, or words, are best read with.</summary>
    private async Task<List<ReportRow>> EverywhereAsync(Guid? before, CancellationToken cancellationToken)
    {
        if (Filter.Text is null && Filter.Categories.Length <= 1 && Filter.Statuses.Length <= 1)
        {
            var sql = new SqlParameters();
            return await ReadAsync(
                sql, $"SELECT {columns.Names}{Distance(sql)} FROM reports WHERE {Filter.Sql(sql)}{Earlier(sql, before)} ORDER BY id DESC LIMIT {_rows}", cancellationToken);
        }

        var recent = new SqlParameters();
        var rows = await ReadAsync(recent, $"""
            SELECT {columns.Names}{Distance(recent)} FROM (
                SELECT * FROM reports WHERE {Filter.Range(recent)}{Earlier(recent, before)} ORDER BY id DESC LIMIT {Recent}
            ) recent WHERE {Filter.Matches(recent)} ORDER BY id DESC LIMIT {_rows}
            """, cancellationToken);
        if (rows.Count == _rows)
        {
            return rows;
        }

        // OFFSET 0 stops the planner from reading by id again, because it expects to fill the page soon.
        var all = new SqlParameters();
        return await ReadAsync(all, $"""
            SELECT {columns.Names}{Distance(all)} FROM (
                SELECT * FROM reports WHERE {Filter.Sql(all)}{Earlier(all, before)} OFFSET 0
            ) matching ORDER BY id DESC LIMIT {_rows}
            """, cancellationToken);
    }

    /// <summary>What a walk has not found for a selective filter: in the order that the planner finds best, all of it.</summary>
    private async Task<List<Guid>> RestAsync(Areas areas, Guid before, int count, CancellationToken cancellationToken)
    {
        var sql = new SqlParameters();
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand(
            $"SELECT id FROM (SELECT id FROM reports WHERE {Filter.Sql(sql)} AND {InCells(sql, areas)}{areas.Sql(sql)} AND id < {sql.Add(before)} OFFSET 0) rest ORDER BY id DESC LIMIT {count}"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var ids = new List<Guid>(count);
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetGuid(0));
        }

        return ids;
    }

    /// <param name="after">The last distance and id of the previous page.</param>
    public async Task<List<ReportRow>> NearestAsync((double Metres, Guid Id)? after, CancellationToken cancellationToken)
    {
        var centre = Around ?? throw new InvalidOperationException("Nearest requires a point.");
        var ids = await new NearestSearch(database, Filter, centre, RadiusKm, Box).FindAsync(after, _rows, cancellationToken);
        var rows = await FetchAsync(ids, cancellationToken);
        rows.Sort((one, other) => (one.Key, one.Report.Id).CompareTo((other.Key, other.Report.Id)));
        return rows.Count == ids.Count ? rows : await NearestAsync(after, cancellationToken);
    }

    /// <summary>The newest matches of <see cref="ReportFilter.Text"/>, those first that have the words more often and closer together.</summary>
    /// <param name="after">The last rank and id of the previous page.</param>
    public async Task<List<ReportRow>> MostRelevantAsync((double Rank, Guid Id)? after, CancellationToken cancellationToken)
    {
        var sql = new SqlParameters();
        var text = sql.Add(Filter.Text ?? throw new InvalidOperationException("Relevance requires words."));
        var area = Areas is { } areas ? $" AND {InCells(sql, areas)}{areas.Sql(sql)}" : "";
        var rest = after is { } last ? $" WHERE (rank, id) < ({sql.Add(last.Rank)}, {sql.Add(last.Id)})" : "";
        var ranks = new Dictionary<Guid, double>();
        await using (var batch = await database.CreateBatchAsync(cancellationToken))
        {
            batch.BatchCommands.Add(sql.ToCommand($"""
                SELECT id, rank FROM (
                    SELECT id, ts_rank(words, {ReportWords.Query(text)})::float8 AS rank FROM (
                        SELECT id, words FROM reports WHERE {Filter.Sql(sql)}{area} ORDER BY id DESC LIMIT {Ranked}
                    ) newest
                ) ranked{rest} ORDER BY rank DESC, id DESC LIMIT {_rows}
                """));
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                ranks.Add(reader.GetGuid(0), reader.GetDouble(1));
            }
        }

        var rows = (await FetchAsync([.. ranks.Keys], cancellationToken)).ConvertAll(row => row with { Key = ranks[row.Report.Id] });
        rows.Sort((one, other) => (other.Key, other.Report.Id).CompareTo((one.Key, one.Report.Id)));
        return rows.Count == ranks.Count ? rows : await MostRelevantAsync(after, cancellationToken);
    }

    /// <returns>The reports, newest first. One that was deleted or hidden since the ids were read is missing: read again, because a page with a row less would look like the last one.</returns>
    private async Task<List<ReportRow>> FetchAsync(List<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
        {
            return [];
        }

        var sql = new SqlParameters();
        return await ReadAsync(
            sql, $"SELECT {columns.Names}{Distance(sql)} FROM reports WHERE id = ANY({sql.Add(ids.ToArray())}) AND {ReportVisibility.PublicSql} ORDER BY id DESC", cancellationToken);
    }

    /// <returns>How many reports the whole list has, at most <see cref="Counted"/> + 1.</returns>
    public async Task<int> CountAsync(CancellationToken cancellationToken)
    {
        var sql = new SqlParameters();
        var area = Areas is { } areas ? $" AND {InCells(sql, areas)}{areas.Sql(sql)}" : "";
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand($"SELECT count(*)::int FROM (SELECT FROM reports WHERE {Filter.Sql(sql)}{area} LIMIT {Counted + 1}) counted"));
        return (int)(await batch.ExecuteScalarAsync(cancellationToken) ?? 0);
    }

    private static string Earlier(SqlParameters sql, Guid? before) => before is { } id ? $" AND id < {sql.Add(id)}" : "";

    /// <summary>The cells that cover the areas, for an index. Nothing for areas of a continent's size.</summary>
    private static string InCells(SqlParameters sql, Areas areas) => areas.Cover() switch
    {
        null => "",
        [] => "false AND ",
        [var first, ..] cells => $"{first.Grid.Column} = ANY({sql.Add(cells.Select(cell => cell.Number).ToArray())}) AND ",
    };

    private string Distance(SqlParameters sql) => Around is { } place ? $", ST_Distance(location, {place.Sql(sql)}, false)" : "";

    private async Task<List<ReportRow>> ReadAsync(SqlParameters sql, string text, CancellationToken cancellationToken)
    {
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand(text));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ReportRow>(_rows);
        while (await reader.ReadAsync(cancellationToken))
        {
            double? metres = reader.FieldCount > columns.Count ? reader.GetDouble(columns.Count) : null;
            rows.Add(new ReportRow(
                ReportResponse.From(columns.Read(reader), Filter.UserId is null ? View.Public : View.Full, metres is { } distance ? Math.Round(distance / 1000, 3) : null),
                metres.GetValueOrDefault()));
        }

        return rows;
    }
}
