using Kashif.Messaging;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Sync;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using NpgsqlTypes;

namespace Kashif.Reporting.Lists;

/// <summary>A report that a search has found.</summary>
/// <param name="Changes">See <see cref="PublicReport"/>.</param>
internal readonly record struct FoundReport(Guid Id, int Changes);

/// <summary>
/// The public reports in memory: for finding them by place, which takes PostgreSQL more than one order of an index can give, and for counting them, which takes it seconds a million.
/// <code>
/// 1. The first refresh reads all reports.
/// 2. Before every answer, a refresh reads the changed reports from the change feed. So an answer has everything that was committed before its request.
/// 3. All requests that wait share the next refresh.
/// </code>
/// </summary>
internal sealed class PublicReports : IDisposable
{
    /// <summary>See <see cref="PublicReport"/>: each change that a reader can see raises one of them.</summary>
    public const string ChangesSql = "version + activity";

    /// <summary>How many of the newest reports to look at for a filter: a millisecond or two.</summary>
    private const int Recent = 50_000;

    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Dictionary<string, short> _categoryNumbers = [];
    private readonly Dictionary<Guid, short> _areaNumbers = [];
    private readonly IServiceScopeFactory _scopes;
    private readonly SharedRun _refresh;
    private ReportIndex _index = new();
    private string[] _categories = [];
    private Guid[] _areas = [];
    private (ulong Transaction, string Identity)? _position;

    public PublicReports(IServiceScopeFactory scopes) => (_scopes, _refresh) = (scopes, new SharedRun(RefreshAsync));

    public delegate void Visitor(in PublicReport report);

    /// <summary>Whether all reports were read once.</summary>
    public bool IsRead => _position is not null;

    /// <summary>The codes of the categories, by their numbers.</summary>
    public IReadOnlyList<string> Categories => _categories;

    /// <summary>The ids of the areas, by their numbers.</summary>
    public IReadOnlyList<Guid> Areas => _areas;

    public void Dispose() => _lock.Dispose();

    /// <summary>Reads what was committed before this call.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => _refresh.RunAsync(cancellationToken);

    /// <summary>Calls the visitor for each report that matches, in no order.</summary>
    /// <param name="areas">Null for the whole earth.</param>
    public void Visit(PublicReportQuery query, Areas? areas, Visitor visitor) => Read(query, filter =>
    {
        _index.Visit(areas, filter, (in PublicReport report) =>
        {
            visitor(report);
            return true;
        });
        return true;
    });

    /// <summary>The newest reports of an area that match.</summary>
    /// <param name="before">Only reports with a smaller id.</param>
    public List<FoundReport> Newest(PublicReportQuery query, Areas areas, Guid before, int count) =>
        Read(query, filter => new NewestSearch(_index, filter, areas).Find(FirstOf(query), LastOf(query, before), count));

    /// <summary>The newest reports that match, of the newest of all.</summary>
    /// <param name="before">Only reports with a smaller id.</param>
    /// <returns>And the id of the last report that was looked at, if older ones may match: a selective filter is better read by its index.</returns>
    public (List<FoundReport> Found, Guid? Last) Newest(PublicReportQuery query, Guid before, int count) => Read(query, filter =>
    {
        var found = new List<FoundReport>(count);
        var (first, next) = (FirstOf(query), _index.CountBefore(_index.ById, LastOf(query, before)) - 1);
        for (var looked = 0; next >= 0 && found.Count < count; next--, looked++)
        {
            ref readonly var report = ref _index[_index.ById[next]];
            if (looked == Recent)
            {
                return (found, (Guid?)_index[_index.ById[next + 1]].Id);
            }

            if (report.Id.CompareTo(first) <= 0)
            {
                break;
            }

            if (filter.Matches(report))
            {
                found.Add(new FoundReport(report.Id, report.Changes));
            }
        }

        return (found, null);
    });

    /// <summary>The nearest reports that match, and among equal distances those with the smallest ids.</summary>
    /// <param name="after">The last distance in metres and id of the previous page.</param>
    public List<FoundReport> Nearest(PublicReportQuery query, Place centre, Areas? areas, (double Metres, Guid Id) after, int count) =>
        Read(query, filter => new NearestSearch(_index, filter, centre, areas).Find(after, count));

    /// <param name="most">Where to stop.</param>
    public int Count(PublicReportQuery query, Areas? areas, int most) => Read(query, filter =>
    {
        var count = 0;
        _index.Visit(areas, filter, (in PublicReport _) => ++count < most);
        return count;
    });

    /// <summary>All ids of the query are greater: they tell the time.</summary>
    private static Guid FirstOf(PublicReportQuery query) => query.From is { } from ? TimeOrderedId.Before(from) : Guid.Empty;

    /// <summary>All ids of the query are smaller.</summary>
    private static Guid LastOf(PublicReportQuery query, Guid before) =>
        query.To is { } to && to < DateTimeOffset.MaxValue - ReportFilter.IdPrecision && TimeOrderedId.Before(to + ReportFilter.IdPrecision) is var last && last.CompareTo(before) < 0 ? last : before;

    private T Read<T>(PublicReportQuery query, Func<PublicReportFilter, T> read)
    {
        _lock.EnterReadLock();
        try
        {
            return read(new PublicReportFilter(
                Array.ConvertAll(_categories, code => query.Categories.Count == 0 || query.Categories.Contains(code)),
                [.. Enum.GetValues<ReportStatus>().Select(status => query.Statuses.Count == 0 || query.Statuses.Contains(status))],
                query.AreaId is not { } area ? null : Array.IndexOf(_areas, area) is >= 0 and var number ? number + 1 : -1,
                query.From?.UtcDateTime ?? DateTime.MinValue,
                query.To?.UtcDateTime ?? DateTime.MaxValue));
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    private async Task RefreshAsync()
    {
        await using var scope = _scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
        if (!await TryRefreshAsync(database))
        {
            _position = null; // a restored database: its transactions have other numbers
            await TryRefreshAsync(database);
        }
    }

    /// <returns>False if the database is another one than the last time.</returns>
    private async Task<bool> TryRefreshAsync(ReportingDbContext database)
    {
        await using var batch = await database.CreateBatchAsync(CancellationToken.None);
        if (_position is null)
        {
            batch.Timeout = (int)TimeSpan.FromMinutes(10).TotalSeconds; // all reports: a few seconds a million
        }

        // The position first: what commits between the two statements is read twice, not missed.
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT {ReportChangeConfiguration.PositionSql}, {ReportChangeConfiguration.IdentitySql}"));
        batch.BatchCommands.Add(ReadCommand(_position?.Transaction));
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        var position = (reader.GetFieldValue<ulong>(0), Identity: reader.GetString(1));
        if (_position is { } last && last.Identity != position.Identity)
        {
            return false;
        }

        await reader.NextResultAsync(CancellationToken.None);
        if (_position is null)
        {
            var index = new ReportIndex();
            await ReadAsync(reader, (_, report) => index.Put(report.GetValueOrDefault()));
            index.Trim();
            Write(() => _index = index);
        }
        else
        {
            var changes = new List<(Guid Id, PublicReport? Report)>();
            await ReadAsync(reader, (id, report) => changes.Add((id, report)));
            if (changes.Count > 0)
            {
                Write(() => Apply(changes));
            }
        }

        _position = position;
        return true;
    }

    private void Write(Action write)
    {
        _lock.EnterWriteLock();
        try
        {
            write();
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    private void Apply(List<(Guid Id, PublicReport? Report)> changes)
    {
        foreach (var (id, report) in changes)
        {
            if (report is { } present)
            {
                _index.Put(present);
            }
            else
            {
                _index.Remove(id);
            }
        }
    }

    /// <param name="since">Only what has changed in this transaction or a later one; null for all that are public.</param>
    private static NpgsqlBatchCommand ReadCommand(ulong? since)
    {
        var command = new NpgsqlBatchCommand($"""
            SELECT id, {ReportVisibility.PublicSql}, latitude, longitude, created_at, expected_at, category, area_id, status, {ChangesSql}, CASE WHEN status = 'resolved' THEN (
                SELECT extract(epoch FROM max(change.at) - created_at)::float4 / 3600 FROM status_changes AS change
                WHERE change.report_id = id AND change.to = 'resolved' AND change.from <> change.to) END
            FROM {(since is null ? $"reports WHERE {ReportVisibility.PublicSql}" : $"({ReportChangeConfiguration.ChangedSql}) AS changed (id) LEFT JOIN reports USING (id)")}
            ORDER BY id
            """);
        if (since is { } transaction)
        {
            command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
        }

        return command;
    }

    /// <param name="add">Called with each id, and the report if it is public.</param>
    private async Task ReadAsync(NpgsqlDataReader reader, Action<Guid, PublicReport?> add)
    {
        while (await reader.ReadAsync(CancellationToken.None))
        {
            var isPublic = !reader.IsDBNull(1) && reader.GetBoolean(1);
            add(reader.GetGuid(0), isPublic ? Read(reader) : null);
        }
    }

    private PublicReport Read(NpgsqlDataReader reader) => new(
        reader.GetGuid(0), reader.GetDouble(2), reader.GetDouble(3), reader.GetDateTime(4), reader.IsDBNull(5) ? DateTime.MaxValue : reader.GetDateTime(5), reader.GetInt32(9),
        reader.IsDBNull(10) ? float.NaN : reader.GetFloat(10), NumberOf(_categoryNumbers, ref _categories, reader.GetString(6)),
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

/// <summary>Reads the reports after the start, so that the first request does not wait for it, and later changes if no request comes.</summary>
internal sealed class PublicReportsRefresh(IServiceScopeFactory scopes, PublicReports reports, TimeProvider time, ILogger<PublicReportsRefresh> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(1), time, logger)
{
    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        await FeedIdentities.CurrentAsync(services.GetRequiredService<ReportingDbContext>(), cancellationToken); // numbers the changes anew after a restore; else each refresh would read them all
        await reports.RefreshAsync(cancellationToken);
    }
}
