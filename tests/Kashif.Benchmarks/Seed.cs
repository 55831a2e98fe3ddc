using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;

namespace Kashif.Benchmarks;

/// <summary>Creates the data for the measurements.</summary>
internal static class Seed
{
    /// <summary>Registers users and signs them in.</summary>
    /// <returns>Their access tokens.</returns>
    public static async Task<string[]> UsersAsync(HttpClient client, int count)
    {
        const string Password = "a password for benchmarks";
        var tokens = new List<string>();
        foreach (var chunk in Enumerable.Range(0, count).Chunk(4))
        {
            tokens.AddRange(await Task.WhenAll(chunk.Select(async number =>
            {
                var email = $"bench-{number}@kashif.test";
                using var registered = await client.PostAsJsonAsync("/api/v1/auth/register", new { email, password = Password, full_name = "Bench User" });
                registered.EnsureSuccessStatusCode();
                using var form = new FormUrlEncodedContent([new("username", email), new("password", Password)]);
                using var signedIn = await client.PostAsync("/api/v1/auth/token", form);
                signedIn.EnsureSuccessStatusCode();
                var token = await signedIn.Content.ReadFromJsonAsync<JsonElement>();
                return token.GetProperty("access_token").GetString() ?? throw new InvalidOperationException("No access token.");
            })));
        }

        return [.. tokens];
    }

    /// <summary>Fills a city of 20 km with reports, so that a radius of 5 km contains thousands.</summary>
    public static async Task ReportsAsync(NpgsqlDataSource reporting, int count)
    {
        await using var insert = reporting.CreateCommand("""
            INSERT INTO reports (id, user_id, title, description, category, status, latitude, longitude, created_at, updated_at, version)
            SELECT gen_random_uuid(), gen_random_uuid(), 'Seeded report ' || number, 'Something is broken here.', 'pothole', 'submitted',
                   33.4 + random() * 0.2, 36.2 + random() * 0.2, now() - interval '1 day', now() - interval '1 day', 1
            FROM generate_series(1, $1) AS number
            """);
        insert.Parameters.Add(new NpgsqlParameter<int> { TypedValue = count });
        await insert.ExecuteNonQueryAsync();
        await using var analyze = reporting.CreateCommand("VACUUM ANALYZE reports");
        await analyze.ExecuteNonQueryAsync();
    }

    /// <summary>Removes the daily limit, so that every report earns points and a notification.</summary>
    public static async Task EveryReportEarnsAsync(NpgsqlDataSource gamification)
    {
        await using var update = gamification.CreateCommand("UPDATE rules SET daily_limit = NULL");
        await update.ExecuteNonQueryAsync();
    }
}
