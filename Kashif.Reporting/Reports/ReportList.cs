using System.Globalization;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Reports;

/// <summary>A point and a radius around it.</summary>
/// <param name="Centre">From <see cref="Globe.Vector"/>.</param>
/// <param name="Radius">A chord, from <see cref="Globe.Chord"/>; null means the whole earth.</param>
internal sealed record Area(double[] Centre, double? Radius);

/// <param name="Chord">The distance from the area's centre as computed by PostgreSQL, because the cursor must compare equal there.</param>
internal readonly record struct ReportRow(ReportResponse Report, double Chord);

/// <summary>
/// Reads lists of reports. The SQL is hand-written to control its plans: PostgreSQL estimates that any area contains a thousandth
/// of the table, and if a city contains half of it, that estimate reads the whole city.
/// </summary>
/// <param name="size">The page size. One more row is read, to know whether another page follows.</param>
internal sealed class ReportList(ReportingDbContext database, ReportColumns columns, int size)
{
    /// <summary>
    /// How many of the newest reports to scan before reading the whole area: at most 3 ms, and an area that does not fill a page
    /// from them contains less than about 0.5 % of the table.
    /// </summary>
    private const int Recent = 10_000;

    /// <summary>
    /// How many of the nearest reports a list can reach. The index starts each page at the nearest report and does not order reports at
    /// one point, so this bounds what a late page, a forged cursor and a crowded point cost: about 10 ms.
    /// </summary>
    public const int Depth = 5_000;

    /// <summary>
    /// How many of the nearest reports a filter is applied to, so that a rare category does not read the whole table.
    /// </summary>
    public const int Filtered = 20_000;

    private readonly int _rows = size + 1;

    public Guid? UserId { get; init; }
    public string? Category { get; init; }
    public ReportStatus? Status { get; init; }
    public Area? Around { get; set; }

    /// <param name="before">The last id of the previous page.</param>
    public async Task<List<ReportRow>> NewestAsync(Guid? before, CancellationToken cancellationToken)
    {
        if (Around is not { } area)
        {
            var sql = new SqlParameters();
            return await ReadAsync(
                sql, $"SELECT {columns.Names} FROM reports {Where(sql, before)} ORDER BY id DESC LIMIT {_rows}", cancellationToken);
        }

        if (area.Radius is not { } radius)
        {
            var sql = new SqlParameters();
            return await ReadAsync(
                sql, $"SELECT {columns.Names}, position <-> cube({sql.Add(area.Centre)}) FROM reports {Where(sql, before)} ORDER BY id DESC LIMIT {_rows}", cancellationToken);
        }

        // A busy area fills its page from the newest reports. A quiet area is small, so the index can read all of it.
        var recent = new SqlParameters();
        var rows = await ReadAsync(recent, $"""
            SELECT * FROM (
                SELECT {columns.Names}, position <-> cube({recent.Add(area.Centre)}) AS chord FROM reports {Where(recent, before)} ORDER BY id DESC LIMIT {Recent}
            ) recent WHERE chord <= {recent.Add(radius)} ORDER BY id DESC LIMIT {_rows}
            """, cancellationToken);
        if (rows.Count == _rows)
        {
            return rows;
        }

        // OFFSET 0 stops the planner from scanning by id instead, because it expects to fill the page soon.
        var all = new SqlParameters();
        return await ReadAsync(all, $"""
            SELECT * FROM (
                SELECT {columns.Names}, position <-> cube({all.Add(area.Centre)}) AS chord FROM reports {Where(all, before, area)} OFFSET 0
            ) area WHERE chord <= {all.Add(radius)} ORDER BY id DESC LIMIT {_rows}
            """, cancellationToken);
    }

    /// <summary>
    /// Reads in index order, by distance, so that it stops at the end of the page however large the area is, and never reads more than
    /// <see cref="Depth"/> matching reports, nor looks for them beyond the <see cref="Filtered"/> nearest.
    /// </summary>
    /// <param name="after">The last distance and id of the previous page.</param>
    public async Task<List<ReportRow>> NearestAsync((double Chord, Guid Id)? after, CancellationToken cancellationToken)
    {
        var area = Around ?? throw new InvalidOperationException("Nearest requires an area.");
        var sql = new SqlParameters();
        var centre = sql.Add(area.Centre);

        // A filter may match less than a page in the area: then the bounding box ends the scan. Without a filter the page does.
        var filtered = Category is not null || Status is not null;
        var box = filtered && area.Radius is { } half ? $"WHERE {Box(sql, area.Centre, half)}" : "";
        var where = Where(sql, null);
        var later = after is var (chord, id) ? $"WHERE (chord, id) > ({sql.Add(chord)}, {sql.Add(id)})" : "";

        // The inner query is read row by row. WITH TIES, because it does not order reports at the same point, and the outer query sorts
        // them by id.
        return await ReadAsync(sql, $"""
            SELECT * FROM (
                SELECT * FROM (
                    SELECT * FROM (
                        SELECT {columns.Names}, position <-> cube({centre}) AS chord FROM reports {box}
                        ORDER BY position <-> cube({centre}) LIMIT {(filtered ? Filtered : Depth)}
                    ) near {where} ORDER BY chord LIMIT {Depth}
                ) scanned {later} ORDER BY chord FETCH FIRST {_rows} ROWS WITH TIES
            ) nearest {(area.Radius is { } radius ? $"WHERE chord <= {sql.Add(radius)}" : "")} ORDER BY chord, id LIMIT {_rows}
            """, cancellationToken, inIndexOrder: filtered);
    }

    private string Where(SqlParameters sql, Guid? before, Area? area = null)
    {
        // A user's own list has all of their reports; the others are public.
        var conditions = new List<string>(5) { UserId is { } userId ? $"user_id = {sql.Add(userId)}" : ReportVisibility.PublicSql };

        if (Category is { } category)
        {
            conditions.Add($"category = {sql.Add(category)}");
        }

        if (Status is { } status)
        {
            conditions.Add($"status = {sql.Add(status.WireName())}");
        }

        if (before is { } id)
        {
            conditions.Add($"id < {sql.Add(id)}");
        }

        if (area is { Radius: { } radius })
        {
            conditions.Add(Box(sql, area.Centre, radius));
        }

        return $"WHERE {string.Join(" AND ", conditions)}";
    }

    private static string Box(SqlParameters sql, double[] centre, double radius) =>
        $"cube_enlarge(cube({sql.Add(centre)}), {sql.Add(radius)}, 3) @> position";

    /// <param name="inIndexOrder">Disables bitmap and sequential scans for this statement: they would read and sort the whole area or table.</param>
    private async Task<List<ReportRow>> ReadAsync(SqlParameters sql, string text, CancellationToken cancellationToken, bool inIndexOrder = false)
    {
        await database.Database.OpenConnectionAsync(cancellationToken);
        var connection = (NpgsqlConnection)database.Database.GetDbConnection();
        await using var batch = connection.CreateBatch();
        if (inIndexOrder)
        {
            // Local to the transaction, which is this batch.
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true)"));
        }

        batch.BatchCommands.Add(sql.ToCommand(text));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (inIndexOrder)
        {
            await reader.NextResultAsync(cancellationToken);
        }

        var rows = new List<ReportRow>(_rows);
        while (await reader.ReadAsync(cancellationToken))
        {
            double? chord = reader.FieldCount > columns.Count ? reader.GetDouble(columns.Count) : null;
            rows.Add(new ReportRow(ReportResponse.From(columns.Read(reader), UserId is null ? View.Public : View.Full, chord), chord.GetValueOrDefault()));
        }

        return rows;
    }

    /// <summary>Collects positional parameters in the order of the text.</summary>
    private sealed class SqlParameters
    {
        private readonly List<NpgsqlParameter> _parameters = new(8);

        public string Add<T>(T value)
        {
            _parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
            return string.Create(CultureInfo.InvariantCulture, $"${_parameters.Count}");
        }

        public NpgsqlBatchCommand ToCommand(string text)
        {
            var command = new NpgsqlBatchCommand(text);
            foreach (var parameter in _parameters)
            {
                command.Parameters.Add(parameter);
            }

            return command;
        }
    }
}
