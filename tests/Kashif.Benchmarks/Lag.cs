using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Kashif.Benchmarks;

/// <summary>
/// Measures how long effects lag behind their report. An event's id has the time of the event (UUID version 7) and the consumer's
/// inbox row has the time of the effect's transaction, so each service's database has its own lag.
/// </summary>
internal static class Lag
{
    private const string OfHandler = """
        SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag), percentile_cont(0.99) WITHIN GROUP (ORDER BY lag), max(lag), count(*)
        FROM (
            SELECT extract(epoch FROM processed_at) * 1000 - ('x' || left(replace(event_id::text, '-', ''), 12))::bit(48)::bigint AS lag
            FROM inbox WHERE handler = $1 AND processed_at >= $2
        ) lags
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <returns>A row for the table.</returns>
    public static async Task<string> RowAsync(string name, NpgsqlDataSource database, string handler, DateTimeOffset since)
    {
        await using var command = database.CreateCommand(OfHandler);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = handler });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = since });
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return await reader.IsDBNullAsync(0)
            ? $"| {name} | - | - | - | 0 |"
            : string.Create(CultureInfo.InvariantCulture, $"| {name} | {reader.GetDouble(0):0} ms | {reader.GetDouble(1):0} ms | {reader.GetDouble(2):0} ms | {reader.GetInt64(3)} |");
    }

    /// <summary>Waits until all events are handled, so that one measurement does not affect the next.</summary>
    public static async Task DrainedAsync(params NpgsqlDataSource[] services)
    {
        var start = Stopwatch.GetTimestamp();
        var before = -1L;
        while (Stopwatch.GetElapsedTime(start) < Limit)
        {
            var waiting = await SumAsync(services, "SELECT count(*) FROM outbox");
            var handled = await SumAsync(services, "SELECT count(*) FROM inbox");
            if (waiting == 0 && handled == before)
            {
                return;
            }

            before = handled;
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        throw new TimeoutException("The events of the last measurement are not all handled.");
    }

    private static async Task<long> SumAsync(NpgsqlDataSource[] services, string sql)
    {
        var sum = 0L;
        foreach (var service in services)
        {
            await using var command = service.CreateCommand(sql);
            sum += Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
        }

        return sum;
    }
}
