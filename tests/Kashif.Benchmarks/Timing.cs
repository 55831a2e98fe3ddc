using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;

namespace Kashif.Benchmarks;

/// <summary>Measures whether response times reveal which addresses have an account: known and unknown addresses in turn, one request at a time.</summary>
internal static class Timing
{
    private const int Samples = 200;
    private const int WarmUp = 40;

    public static async Task RunAsync(HttpClient client)
    {
        // One request per address and call, so that no throttle applies.
        await Seed.UsersAsync(client, Samples + WarmUp);
        Console.WriteLine($"{Samples} requests each, known and unknown addresses in turn, one at a time");
        Console.WriteLine();
        Console.WriteLine("| call | known, median | unknown, median | ratio | told apart |");
        Console.WriteLine("|---|---|---|---|---|");
        await CompareAsync("POST /token, wrong password", async email =>
        {
            using var form = new FormUrlEncodedContent([new("username", email), new("password", "not this one")]);
            return (await client.PostAsync("/api/v1/auth/token", form), HttpStatusCode.Unauthorized);
        });
        await CompareAsync("POST /password/forgot", async email =>
            (await client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }), HttpStatusCode.Accepted));
    }

    private static async Task CompareAsync(string name, Func<string, Task<(HttpResponseMessage Response, HttpStatusCode Expected)>> ask)
    {
        var (known, unknown) = (new List<double>(), new List<double>());
        for (var number = 0; number < Samples + WarmUp; number++)
        {
            // Alternate the order, so that neither always comes second.
            foreach (var isKnown in number % 2 == 0 ? (bool[])[true, false] : [false, true])
            {
                var milliseconds = await TimeAsync(isKnown ? $"bench-{number}@kashif.test" : $"nobody-{number}@kashif.test");
                if (number >= WarmUp)
                {
                    (isKnown ? known : unknown).Add(milliseconds);
                }
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {Median(known):0.00} ms | {Median(unknown):0.00} ms | {Median(known) / Median(unknown):0.000} | {Slower(known, unknown):P0} |"));

        async Task<double> TimeAsync(string email)
        {
            var start = Stopwatch.GetTimestamp();
            var (response, expected) = await ask(email);
            var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            using (response)
            {
                return response.StatusCode == expected
                    ? elapsed
                    : throw new InvalidOperationException($"{name} returned {(int)response.StatusCode} instead of {(int)expected}.");
            }
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>How often a known address takes longer than an unknown one, over all pairs; 50 % if they cannot be told apart.</summary>
    private static double Slower(List<double> known, List<double> unknown) =>
        known.Average(one => unknown.Average(other => one > other ? 1.0 : one < other ? 0 : 0.5));
}
