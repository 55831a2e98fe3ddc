using System.Globalization;
using System.Text;
using Npgsql;

namespace Kashif.Testing;

/// <summary>Searches every column of every table for a text.</summary>
public static class DatabaseScan
{
    /// <returns>The tables with a row that contains the text in any case, or its UTF-8 bytes.</returns>
    public static async Task<IReadOnlyList<string>> TablesWithAsync(string connectionString, string text)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        var tables = new List<string>();
        await using (var reader = await source.CreateCommand("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'").ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                tables.Add(reader.GetString(0));
            }
        }

        var found = new List<string>();
        foreach (var table in tables)
        {
            await using var command = source.CreateCommand($"""SELECT count(*) FROM "{table}" AS row WHERE row::text ILIKE $1 OR row::text LIKE $2""");
            command.Parameters.Add(new NpgsqlParameter { Value = $"%{text}%" });
            command.Parameters.Add(new NpgsqlParameter { Value = $"%{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text))}%" });
            if (Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture) > 0)
            {
                found.Add(table);
            }
        }

        found.Sort(StringComparer.Ordinal);
        return found;
    }
}
