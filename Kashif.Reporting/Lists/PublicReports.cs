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

    /// <summary>How many reports a search looks at for a selective filter: some milliseconds.</summary>
    public const int Patience = 200_000;

    /// <summary>How many changes to apply while requests wait.</summary>
    private const int ChangesAtATime = 500;

    /// <summary>More changes than this are slower to apply than to read all reports.</summary>
    private const int MostChanges = 50_000;

    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Dictionary<string, short> _categoryNumbers = [];
    private readonly Dictionary<Guid, short> _areaNumbers = [];
    private readonly IServiceScopeFactory _scopes;
    private readonly SharedRun _refresh;
    private ReportIndex _index = new();
    private string[] _categories = [];
    private Guid[] _areas = [];
    private Position? _position;
    private volatile bool _isForgotten;

    public PublicReports(IServiceScopeFactory scopes) => (_scopes, _refresh) = (scopes, new SharedRun(RefreshAsync));

    /// <summary>Whether all reports were read.</summary>
    public bool IsRead => _position is not null;

    /// <summary>How often all reports were read: what was cached before may be of another database.</summary>
    public int Loads { get; private set; }

    /// <summary>The codes of the categories, by their numbers.</summary>
    public IReadOnlyList<string> Categories => _categories;

    /// <summary>The ids of the areas, by their numbers.</summary>
    public IReadOnlyList<Guid> Areas => _areas;

    public void Dispose() => _lock.Dispose();

    /// <summary>Reads what was committed before this call.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => _refresh.RunAsync(cancellationToken);

    /// <inheritdoc cref="ReportIndex.Visit(Areas?, PublicReportFilter, ReportIndex.Visitor)"/>
    public bool Visit(PublicReportQuery query, Areas? areas, ReportIndex.Visitor visitor) => Read(query, filter => _index.Visit(areas, filter, visitor));

    /// <summary>The newest reports that match.</summary>
    /// <param name="areas">Null for the whole earth.</param>
    /// <param name="before">Only reports with a smaller id.</param>
    /// <param name="patience">How many reports to look at.</param>
    /// <returns>And the last report that was looked at, if older ones may match: a selective filter is better read by its index.</returns>
    public (List<FoundReport> Found, Guid? Last) Newest(PublicReportQuery query, Areas? areas, Guid before, int count, int patience) => Read(query, filter =>
    {
        var first = query.IdAfter ?? Guid.Empty;
        var last = query.IdBefore is { } end && end.CompareTo(before) < 0 ? end : before;
        return filter.MatchesNone ? ([], null)
            : areas is null ? NewestOfAll(filter, first, last, count, patience)
            : new NewestSearch(_index, filter, areas).Find(first, last, count, patience);
    });

    /// <summary>The nearest reports that match, and among equal distances those with the smallest ids; of the <see cref="Patience"/> nearest, if the filter is selective.</summary>
    /// <param name="after">The last distance in metres and id of the previous page.</param>
    public List<FoundReport> Nearest(PublicReportQuery query, Place centre, Areas? areas, (double Metres, Guid Id) after, int count) =>
        Read(query, filter => filter.MatchesNone ? [] : new NearestSearch(_index, filter, centre, areas).Find(after, count, Patience));

    /// <param name="most">Where to stop.</param>
    public int Count(PublicReportQuery query, Areas? areas, int most)
    {
        var count = 0;
        Visit(query, areas, (in PublicReport _) => ++count < most);
        return count;
    }

    /// <param name="first">All ids of the query are greater: they tell the time.</param>
    private (List<FoundReport> Found, Guid? Last) NewestOfAll(PublicReportFilter filter, Guid first, Guid before, int count, int patience)
    {
        var found = new List<FoundReport>(count);
        for (var next = _index.CountBefore(_index.ById, before) - 1; next >= 0 && found.Count < count; next--, patience--)
        {
            if (patience == 0)
            {
                return (found, _index[_index.ById[next + 1]].Id);
            }

            ref readonly var report = ref _index[_index.ById[next]];
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
    }

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
        if (_isForgotten || !await TryRefreshAsync(database))
        {
            (_isForgotten, _position) = (false, null);
            await TryRefreshAsync(database);
        }
    }

    /// <summary>The next refresh that begins reads all reports.</summary>
    public void Forget() => _isForgotten = true;

    /// <returns>False if all reports must be read: the database is another one than the last time, or has too many changes.</returns>
    private async Task<bool> TryRefreshAsync(ReportingDbContext database)
    {
        var last = _position;
        await using var batch = await database.CreateBatchAsync(CancellationToken.None);
        if (last is null)
        {
            batch.Timeout = (int)TimeSpan.FromMinutes(10).TotalSeconds; // all reports: a few seconds a million
        }

        // The planner expects many changes of a table that was not analyzed lately. There are few: an index finds them, and compiling the query (JIT) takes longer than reading them.
        var scans = last is null ? "on" : "off";
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            SELECT set_config('jit', 'off', true), set_config('enable_seqscan', '{scans}', true), set_config('enable_hashjoin', '{scans}', true), set_config('enable_mergejoin', '{scans}', true)
            """));

        // The position first: what commits between the two statements is read twice, not missed.
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"SELECT {ReportChangeConfiguration.PositionSql}, pg_current_snapshot()::text, {ReportChangeConfiguration.IdentitySql} || {ReportChangeConfiguration.TimelineSql}"));
        batch.BatchCommands.Add(ReadCommand(last));
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        await reader.NextResultAsync(CancellationToken.None);
        await reader.ReadAsync(CancellationToken.None);
        var position = new Position(reader.GetFieldValue<ulong>(0), reader.GetString(1), reader.GetString(2));
        if (last is not null && (last.Identity != position.Identity || last.Transaction > position.Transaction))
        {
            return false; // restored: its transactions have other numbers
        }

        await reader.NextResultAsync(CancellationToken.None);
        if (last is null)
        {
            var index = new ReportIndex();
            await ReadAsync(reader, (_, report) =>
            {
                if (report is { } present)
                {
                    index.Put(present);
                }
            });
            index.Trim();
            Write(() => (_index, Loads) = (index, Loads + 1));
        }
        else
        {
            var changes = new List<(Guid Id, PublicReport? Report)>();
            await ReadAsync(reader, (id, report) => changes.Add((id, report)));
            if (changes.Count > MostChanges)
            {
                return false;
            }

            _position = null; // until all are applied
            foreach (var some in changes.Chunk(ChangesAtATime))
            {
                Write(() => Apply(some));
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

    private void Apply((Guid Id, PublicReport? Report)[] changes)
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

    /// <param name="since">Only what has changed since; null for all that are public.</param>
    private static NpgsqlBatchCommand ReadCommand(Position? since)
    {
        // What the last snapshot showed was read with it, also if an older transaction is still open.
        var command = new NpgsqlBatchCommand($"""
            SELECT id, {ReportVisibility.PublicSql}, latitude, longitude, created_at, expected_at, category, area_id, status, {ChangesSql}, CASE WHEN status = 'resolved' THEN (
                SELECT extract(epoch FROM max(change.at) - created_at)::float4 / 3600 FROM status_changes AS change
                WHERE change.report_id = id AND change.to = 'resolved' AND change.from <> change.to) END
            FROM {(since is null
                ? $"reports WHERE {ReportVisibility.PublicSql}"
                : $"({ReportChangeConfiguration.ChangedSql} AND NOT pg_visible_in_snapshot(changed_in, $2::pg_snapshot)) AS changed (id) LEFT JOIN reports USING (id)")}
            {(since is null ? "ORDER BY id" : "")}
            """); // in no order: to have it, the planner may read all changes
        if (since is not null)
        {
            command.Parameters.Add(new NpgsqlParameter<ulong> { TypedValue = since.Transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = since.Snapshot });
        }

        return command;
    }

    /// <param name="add">Called with each id, and the report if it is public.</param>
    private async Task ReadAsync(NpgsqlDataReader reader, Action<Guid, PublicReport?> add)
    {
        while (await reader.ReadAsync(CancellationToken.None))
        {
            // A status that a later version has added is no reason to answer nothing.
            var isKnown = !reader.IsDBNull(1) && reader.GetBoolean(1) && ReportStatuses.TryParse(reader.GetString(8), out _);
            add(reader.GetGuid(0), isKnown ? Read(reader) : null);
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

    /// <param name="Transaction">The end of the change feed: see <see cref="ReportChangeConfiguration.PositionSql"/>.</param>
    /// <param name="Snapshot">What was committed, as PostgreSQL writes a <c>pg_snapshot</c>.</param>
    private sealed record Position(ulong Transaction, string Snapshot, string Identity);
}

/// <summary>Reads the changes if no request comes.</summary>
internal sealed class PublicReportsRefresh(IServiceScopeFactory scopes, PublicReports reports, TimeProvider time, ILogger<PublicReportsRefresh> logger)
    : PeriodicService(scopes, TimeSpan.FromSeconds(10), time, logger)
{
    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        await FeedIdentities.CurrentAsync(services.GetRequiredService<ReportingDbContext>(), cancellationToken); // numbers the changes anew after a restore; else each refresh would read them all
        await reports.RefreshAsync(cancellationToken);
    }
}
