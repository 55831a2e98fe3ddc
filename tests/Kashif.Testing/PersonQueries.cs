using System.Collections;
using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Kashif.Testing;

/// <summary>Records the SQL of this process's services that looks for one person, and reads its plans.</summary>
public sealed class PersonQueries : IDisposable
{
    private static readonly ConcurrentDictionary<PersonQueries, Guid> Recording = [];
    private readonly ConcurrentDictionary<(string Database, string Sql), IReadOnlyList<NpgsqlParameter>> _statements = [];

    static PersonQueries() => DiagnosticListener.AllListeners.Subscribe(new Listeners());

    private PersonQueries(Guid person) => Recording[this] = person;

    /// <summary>Listens to EF. Call it before a service starts: EF caches for a while that there is no listener.</summary>
    public static void Listen() => System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(PersonQueries).TypeHandle);

    public static PersonQueries Record(Guid person) => new(person);

    /// <returns>
    /// What reads more than it finds: tables and indexes that the recorded SQL reads as a whole, although the planner is told to avoid
    /// it, and foreign keys without an index, over which a delete reads the table that refers to it.
    /// </returns>
    /// <exception cref="InvalidOperationException">Nothing was recorded.</exception>
    public async Task<IReadOnlyList<string>> ScansAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        var statements = _statements.Where(statement => statement.Key.Database == connection.Database).ToList(); // other services may run here too
        if (statements is [])
        {
            throw new InvalidOperationException("No SQL looked for this person.");
        }

        await connection.OpenAsync();
        await using (var planner = new NpgsqlCommand("SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off", connection))
        {
            await planner.ExecuteNonQueryAsync();
        }

        var scans = await UnindexedForeignKeysAsync(connection);
        foreach (var ((_, sql), parameters) in statements)
        {
            scans.AddRange((await ScansOfAsync(connection, sql, parameters)).Select(scan => $"{scan}: {sql}"));
        }

        return scans;
    }

    public void Dispose() => Recording.TryRemove(this, out _);

    /// <summary>
    /// PostgreSQL also reads all of an index that is small now, such as a partial one, although there is a better one for more rows. So it plans for large
    /// tables, and again without such indexes, until it finds another way or reads a whole table.
    /// </summary>
    private static async Task<string[]> ScansOfAsync(NpgsqlConnection connection, string sql, IReadOnlyList<NpgsqlParameter> parameters)
    {
        await using var transaction = await connection.BeginTransactionAsync(); // rolled back

        // As if each page had a million rows. PostgreSQL guesses for empty tables.
        await using (var large = new NpgsqlCommand(
            "UPDATE pg_class SET reltuples = 1e6, relpages = 1 WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0",
            connection, transaction))
        {
            await large.ExecuteNonQueryAsync();
        }

        while (true)
        {
            await using var explain = new NpgsqlCommand($"EXPLAIN (FORMAT JSON) {sql}", connection, transaction);
            foreach (var parameter in parameters)
            {
                explain.Parameters.Add(parameter.Clone());
            }

            var plan = JsonElement.Parse((string)(await explain.ExecuteScalarAsync() ?? throw new InvalidOperationException("No plan.")));
            var whole = Nodes(plan[0].GetProperty("Plan")).Where(ReadsAll).ToList();
            var indexes = whole.Where(node => node.TryGetProperty("Index Name", out _)).Select(node => node.GetProperty("Index Name").GetString()).ToArray();
            if (indexes is [])
            {
                return [.. whole.Select(node => $"{node.GetProperty("Node Type")} of {node.GetProperty("Relation Name")}")];
            }

            await using var remove = new NpgsqlCommand("UPDATE pg_index SET indisvalid = false WHERE indexrelid = ANY ($1::regclass[])", connection, transaction);
            remove.Parameters.Add(new() { Value = indexes });
            await remove.ExecuteNonQueryAsync();
        }
    }

    private static async Task<List<string>> UnindexedForeignKeysAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT 'foreign key ' || conname || ' has no index' FROM pg_constraint AS key WHERE contype = 'f' AND NOT EXISTS (
                SELECT FROM pg_index WHERE indrelid = key.conrelid AND (indkey::int2[])[0:cardinality(key.conkey) - 1] @> key.conkey)
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        var found = new List<string>();
        while (await reader.ReadAsync())
        {
            found.Add(reader.GetString(0));
        }

        return found;
    }

    private static IEnumerable<JsonElement> Nodes(JsonElement plan) =>
        plan.TryGetProperty("Plans", out var inner) ? inner.EnumerateArray().SelectMany(Nodes).Prepend(plan) : [plan];

    private static bool ReadsAll(JsonElement node) => node.GetProperty("Node Type").GetString() switch
    {
        "Seq Scan" => true,
        "Index Scan" or "Index Only Scan" or "Bitmap Index Scan" => !node.TryGetProperty("Index Cond", out _),
        _ => false,
    };

    private void Add(DbCommand command, Guid person)
    {
        var parameters = command.Parameters.Cast<NpgsqlParameter>().ToList();
        var telling = parameters.FindAll(parameter => Holds(parameter.Value, person));
        foreach (var sql in command.CommandText.Split(";\n").Where(sql => telling.Exists(parameter => Uses(sql, parameter))))
        {
            _statements.TryAdd((command.Connection?.Database ?? "", sql), [.. parameters.Where(parameter => Uses(sql, parameter)).Select(parameter => parameter.Clone())]);
        }
    }

    private static bool Holds(object? value, Guid person) => value switch
    {
        Guid id => id == person,
        string text => text == person.ToString(),
        IEnumerable several => several.Cast<object?>().Any(one => Holds(one, person)),
        _ => false,
    };

    private static bool Uses(string sql, NpgsqlParameter parameter) => sql.Contains($"@{parameter.ParameterName.TrimStart('@')}", StringComparison.Ordinal);

    private sealed class Listeners : IObserver<DiagnosticListener>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == DbLoggerCategory.Name)
            {
                value.Subscribe(new Commands());
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }

    private sealed class Commands : IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (value.Key == RelationalEventId.CommandExecuting.Name && value.Value is CommandEventData executing)
            {
                foreach (var (queries, person) in Recording)
                {
                    queries.Add(executing.Command, person);
                }
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
