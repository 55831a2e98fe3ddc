using System.Globalization;
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
