using System.Runtime.InteropServices;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Sync;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace Kashif.Reporting.Map;

/// <summary>What maps and statistics know of a public report: 64 bytes.</summary>
/// <param name="CreatedAt">In UTC.</param>
/// <param name="ExpectedAt">The promised time in UTC; <see cref="DateTime.MaxValue"/> without one.</param>
/// <param name="HoursToResolve">Not a number unless it is resolved.</param>
/// <param name="Category">Its number in <see cref="MapReports.Categories"/>.</param>
/// <param name="Area">Its number in <see cref="MapReports.Areas"/>, counted from 1; 0 for none.</param>
/// <param name="StatusNumber">A byte instead of an enum's four.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MapReport(
    Guid Id, double Latitude, double Longitude, DateTime CreatedAt, DateTime ExpectedAt, float HoursToResolve, short Category, short Area, byte StatusNumber) : IComparable<MapReport>
{
    public ReportStatus Status => (ReportStatus)StatusNumber;

    public int CompareTo(MapReport other) => Id.CompareTo(other.Id);
}

/// <summary>
/// The public reports in memory, for counting them: a million in some milliseconds, which takes PostgreSQL seconds.
/// <code>
/// 1. The first refresh reads all reports.
/// 2. Before every answer, a refresh reads the changed reports from the change feed. So an answer has everything that was committed before its request.
/// 3. Reports are kept by the cells of a grid, so that a part of the map does not read the whole.
/// </code>
/// </summary>
internal sealed class MapReports : IDisposable
{
    private static readonly Grid Level = Grid.All[1];

    private readonly SemaphoreSlim _refresh = new(1, 1);
    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Dictionary<string, short> _categoryNumbers = [];
    private Dictionary<Cell, List<MapReport>> _cells = [];
    private string[] _categories = [];
    private readonly Dictionary<Guid, short> _areaNumbers = [];
    private Guid[] _areas = [];
    private (ulong Transaction, string Identity)? _position;

    public delegate void Visitor(in MapReport report);

    /// <summary>The codes of the categories, by their numbers.</summary>
    public IReadOnlyList<string> Categories => _categories;

    /// <summary>The ids of the areas, by their numbers.</summary>
    public IReadOnlyList<Guid> Areas => _areas;

    public void Dispose()
    {
        _refresh.Dispose();
        _lock.Dispose();
    }

    /// <summary>Reads what has changed.</summary>
    public async Task RefreshAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        await _refresh.WaitAsync(cancellationToken);
        try
        {
            // The position first: what commits between the two statements is read twice, not missed.
            var position = await ReadPositionAsync(database, cancellationToken);
            if (_position is { } last && last.Identity == position.Identity)
            {
                var changes = new List<(Guid Id, MapReport? Report)>();
                await ReadAsync(database, last.Transaction, (id, report) => changes.Add((id, report)), cancellationToken);
                Apply(changes);
            }
            else
            {
                var cells = new Dictionary<Cell, List<MapReport>>();
                await ReadAsync(database, null, (_, report) => Put(cells, report.GetValueOrDefault()), cancellationToken);
                foreach (var reports in cells.Values)
                {
                    reports.TrimExcess();
                }

                _lock.EnterWriteLock();
                _cells = cells;
                _lock.ExitWriteLock();
            }

            _position = position;
            await database.Database.CloseConnectionAsync(); // a slow client must not hold it
        }
        finally
        {
            _refresh.Release();
        }
    }

    /// <summary>Calls the visitor for each report that matches, in no order.</summary>
    public void Visit(MapFilter filter, Visitor visitor)
    {
        _lock.EnterReadLock();
        try
        {
            var categories = Array.ConvertAll(_categories, code => filter.Categories.Count == 0 || filter.Categories.Contains(code));
            var statuses = Enum.GetValues<ReportStatus>().Select(status => filter.Statuses.Count == 0 || filter.Statuses.Contains(status)).ToArray();
            var area = filter.AreaId is { } id ? Array.IndexOf(_areas, id) + 1 : (int?)null;
            var (from, to) = (filter.From?.UtcDateTime ?? DateTime.MinValue, filter.To?.UtcDateTime ?? DateTime.MaxValue);
            foreach (var (cell, reports) in _cells)
            {
                if (filter.Box is { } box && !box.MayTouch(cell))
                {
                    continue;
                }

                foreach (ref readonly var report in CollectionsMarshal.AsSpan(reports))
                {
                    if (categories[report.Category] && statuses[report.StatusNumber] && report.CreatedAt >= from && report.CreatedAt < to && (area is null || (area != 0 && report.Area == area))
                        && (filter.Box is null || filter.Box.Contains(new Place(report.Latitude, report.Longitude))))
                    {
                        visitor(report);
                    }
                }
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    private void Apply(List<(Guid Id, MapReport? Report)> changes)
    {
        _lock.EnterWriteLock();
        try
        {
            foreach (var (id, report) in changes)
            {
                if (report is { } present)
                {
                    Put(_cells, present);
                }
                else
                {
                    Remove(id);
                }
            }
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Adds or replaces a report. The reports of a cell are in the order of their ids.</summary>
    private static void Put(Dictionary<Cell, List<MapReport>> cells, MapReport report)
    {
        ref var reports = ref CollectionsMarshal.GetValueRefOrAddDefault(cells, Level.CellOf(report.Latitude, report.Longitude), out _);
        reports ??= [];
        if (reports.Count == 0 || reports[^1].Id.CompareTo(report.Id) < 0)
        {
            reports.Add(report);
            return;
        }

        var index = reports.BinarySearch(report);
        if (index >= 0)
        {
            reports[index] = report;
        }
        else
        {
            reports.Insert(~index, report);
        }
    }

    /// <summary>A report that is deleted has no place any more: it is looked for in all cells.</summary>
    private void Remove(Guid id)
    {
        foreach (var reports in _cells.Values)
        {
            if (reports.BinarySearch(new MapReport { Id = id }) is >= 0 and var index)
            {
                reports.RemoveAt(index);
                return;
            }
        }
    }

    private static async Task<(ulong Transaction, string Identity)> ReadPositionAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT {ReportChangeConfiguration.PositionSql}, {ReportChangeConfiguration.IdentitySql}"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetFieldValue<ulong>(0), reader.GetString(1));
    }

    /// <param name="since">Only what has changed in this transaction or a later one; null for all that are public.</param>
    /// <param name="add">Called with each id, and the report if it is public.</param>
    private async Task ReadAsync(ReportingDbContext database, ulong? since, Action<Guid, MapReport?> add, CancellationToken cancellationToken)
    {
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.Timeout = (int)TimeSpan.FromMinutes(10).TotalSeconds; // for the first time: a few seconds a million
        var command = new NpgsqlBatchCommand($"""
            SELECT id, {ReportVisibility.PublicSql}, latitude, longitude, created_at, expected_at, category, area_id, status, CASE WHEN status = 'resolved' THEN (
                SELECT extract(epoch FROM max(change.at) - created_at)::float4 / 3600 FROM status_changes AS change
                WHERE change.report_id = id AND change.to = 'resolved' AND change.from <> change.to) END
            FROM {(since is null ? $"reports WHERE {ReportVisibility.PublicSql}" : $"({ReportChangeConfiguration.ChangedSql}) AS changed (id) LEFT JOIN reports USING (id)")}
            ORDER BY id
            """);
        if (since is { } transaction)
        {
            command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
        }

        batch.BatchCommands.Add(command);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var isPublic = !reader.IsDBNull(1) && reader.GetBoolean(1);
            add(reader.GetGuid(0), isPublic ? Read(reader) : null);
        }
    }

    private MapReport Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetDouble(2), reader.GetDouble(3), reader.GetDateTime(4), reader.IsDBNull(5) ? DateTime.MaxValue : reader.GetDateTime(5),
        reader.IsDBNull(9) ? float.NaN : reader.GetFloat(9), NumberOf(_categoryNumbers, ref _categories, reader.GetString(6)),
        reader.IsDBNull(7) ? (short)0 : (short)(NumberOf(_areaNumbers, ref _areas, reader.GetGuid(7)) + 1), (byte)ReportStatuses.Parse(reader.GetString(8)));

    private static short NumberOf<T>(Dictionary<T, short> numbers, ref T[] names, T name)
        where T : notnull
    {
        if (!numbers.TryGetValue(name, out var number))
        {
            numbers[name] = number = (short)numbers.Count;
            names = [.. names, name]; // a new list, because another request may be reading this one
        }

        return number;
    }
}

/// <summary>Reads the reports soon after the start, so that the first request does not wait for it, and later changes if no request comes.</summary>
internal sealed class MapRefresh(IServiceScopeFactory scopes, MapReports reports, TimeProvider time, ILogger<MapRefresh> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(10), time, logger)
{
    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<ReportingDbContext>();
        await FeedIdentities.CurrentAsync(database, cancellationToken); // numbers the changes anew after a restore; else each refresh would read them all
        await reports.RefreshAsync(database, cancellationToken);
    }
}
