using System.Data;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Reports;

/// <summary>For an area of a continent's size: the coarsest cells that have reports.</summary>
internal static class PresentCells
{
    /// <summary>Jumps from one cell to the next in their index.</summary>
    public static async Task<List<Cell>> FindAsync(ReportingDbContext database, CancellationToken cancellationToken)
    {
        var column = Grid.Coarsest.Column;
        await using var batch = await database.CreateBatchAsync(cancellationToken);
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"""
            WITH RECURSIVE present AS (
                SELECT (SELECT min({column}) FROM reports WHERE {ReportVisibility.PublicSql}) AS cell
                UNION ALL
                SELECT (SELECT min({column}) FROM reports WHERE {column} > present.cell AND {ReportVisibility.PublicSql}) FROM present WHERE present.cell IS NOT NULL
            ) SELECT cell FROM present WHERE cell IS NOT NULL
            """));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var cells = new List<Cell>();
        while (await reader.ReadAsync(cancellationToken))
        {
            cells.Add(Grid.Coarsest.CellOf(reader.GetInt64(0)));
        }

        return cells;
    }

    /// <summary>
    /// A batch whose statements read their rows in the order of an index. For a small table or cell the planner would rather read and sort all of it, which is
    /// wrong for a crowded one. The first result is of the settings: skip it.
    /// </summary>
    public static async Task<NpgsqlBatch> CreateIndexOrderBatchAsync(this ReportingDbContext database, CancellationToken cancellationToken)
    {
        var batch = await database.CreateBatchAsync(cancellationToken);

        // Local to the transaction, which is this batch. Compiling (JIT) takes longer than any of these statements, and planning them anew as long as running them.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("""
            SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),
                set_config('plan_cache_mode', 'force_generic_plan', true)
            """));
        return batch;
    }

    public static async Task<NpgsqlBatch> CreateBatchAsync(this ReportingDbContext database, CancellationToken cancellationToken)
    {
        var connection = (NpgsqlConnection)database.Database.GetDbConnection();
        if (connection.State is not ConnectionState.Open)
        {
            await database.Database.OpenConnectionAsync(cancellationToken);
        }

        return connection.CreateBatch();
    }
}
