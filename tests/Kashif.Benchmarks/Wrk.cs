using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Kashif.Benchmarks;

/// <summary>The result of one run of wrk.</summary>
/// <param name="PerSecond">Responses per second.</param>
/// <param name="P50">The median latency as wrk prints it.</param>
/// <param name="Errors">Responses other than 2xx and 3xx, and socket errors.</param>
internal sealed record Measurement(double PerSecond, string P50, string P99, long Errors);

/// <summary>The load generator https://github.com/wg/wrk; each thread runs the script.</summary>
internal static partial class Wrk
{
    public static async Task<Measurement> RunAsync(Uri target, TimeSpan duration, int connections, string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("wrk")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] all =
        [
            "--threads", "1", "--connections", connections.ToString(CultureInfo.InvariantCulture),
            "--duration", $"{duration.TotalSeconds:0}s", "--timeout", "10s", "--latency",
            "--script", Path.Combine(AppContext.BaseDirectory, "Load", script), target.AbsoluteUri, "--", .. arguments,
        ];
        foreach (var argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        using var wrk = Process.Start(start) ?? throw new InvalidOperationException("wrk did not start. Install the Debian package wrk.");
        var output = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (wrk.ExitCode != 0)
        {
            throw new InvalidOperationException($"wrk ended with {wrk.ExitCode}: {await wrk.StandardError.ReadToEndAsync()}");
        }

        return new Measurement(
            double.Parse(Value(PerSecond(), output), CultureInfo.InvariantCulture),
            Value(Median(), output),
            Value(Percentile99(), output),
            (BadResponses().Match(output) is { Success: true } bad ? long.Parse(bad.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0)
                + (SocketErrors().Match(output) is { Success: true } errors
                    ? errors.Groups.Values.Skip(1).Sum(group => long.Parse(group.ValueSpan, CultureInfo.InvariantCulture))
                    : 0));
    }

    private static string Value(Regex pattern, string output) => pattern.Match(output) is { Success: true } match
        ? match.Groups[1].Value
        : throw new InvalidOperationException($"Unexpected output of wrk: {output}");

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"\s50%\s+(\S+)")]
    private static partial Regex Median();

    [GeneratedRegex(@"\s99%\s+(\S+)")]
    private static partial Regex Percentile99();

    [GeneratedRegex(@"Non-2xx or 3xx responses: (\d+)")]
    private static partial Regex BadResponses();

    [GeneratedRegex(@"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")]
    private static partial Regex SocketErrors();
}
