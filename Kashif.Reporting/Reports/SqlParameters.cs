using System.Data;
using System.Globalization;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Reporting.Reports;

/// <summary>Collects positional parameters in the order of the text.</summary>
internal sealed class SqlParameters
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

internal static class SqlBatches
{
    /// <summary>A batch on the context's connection.</summary>
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
