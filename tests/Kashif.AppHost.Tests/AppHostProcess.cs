using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Kashif.Testing;

namespace Kashif.AppHost.Tests;

/// <summary>The AppHost as a process of its own, as <c>./kashif run</c> starts it, with data in a directory of the test's.</summary>
internal sealed partial class AppHostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _data;
    private readonly ConcurrentQueue<string> _output = new();

    private AppHostProcess(Process process, string data, int port)
    {
        _process = process;
        _data = data;
        Gateway = new Uri($"http://localhost:{port}");
        DataReceivedEventHandler collect = (_, line) => _output.Enqueue(line.Data ?? "");
        process.OutputDataReceived += collect;
        process.ErrorDataReceived += collect;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>With other builds beside it; alone it is half a minute.</summary>
    public static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(10);

    public Uri Gateway { get; }

    public int Id => _process.Id;

    public string Output => string.Join('\n', _output);

    public int ExitCode => _process.ExitCode;

    /// <summary>A machine that runs all tests on containers need not have them.</summary>
    public static void SkipWithoutNativeServers() => Assert.SkipUnless(
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(directory => File.Exists(Path.Combine(directory, "rabbitmq-server"))),
        "No native servers here: rabbitmq-server is not on the PATH.");

    /// <param name="data">The directory of the run's data.</param>
    /// <param name="port">The gateway's.</param>
    /// <param name="settings">More settings, such as <c>--Parameters:postgres-password=…</c>.</param>
    public static AppHostProcess Start(string data, int port, params string[] settings)
    {
        var start = new ProcessStartInfo(AppHostProgram.Path,
            [$"--DataDirectory={data}", $"--Parameters:gateway-port={port}", "--Containers=false", .. settings])
        {
            WorkingDirectory = AppHostProgram.Directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = $"http://localhost:{Ports.Free()}",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = $"http://localhost:{Ports.Free()}",
            ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = $"http://localhost:{Ports.Free()}",
        })
        {
            start.Environment[name] = value;
        }

        return new AppHostProcess(Process.Start(start) ?? throw new InvalidOperationException("The AppHost did not start."), data, port);
    }

    /// <summary>Waits until the gateway says that everything is healthy.</summary>
    public async Task HealthyAsync()
    {
        using var client = new HttpClient { BaseAddress = Gateway, Timeout = TimeSpan.FromSeconds(5) };
        await Eventually.TrueAsync(async () =>
        {
            _process.HasExited.ShouldBeFalse(Output);
            try
            {
                using var response = await client.GetAsync("/health");
                return response.IsSuccessStatusCode && (await response.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("status").GetString() == "healthy";
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        }, "the gateway to be healthy", LongestStart);
    }

    /// <returns>The dashboard's address, with its token.</returns>
    public async Task<Uri> DashboardAsync()
    {
        await Eventually.TrueAsync(() => LoginLink().IsMatch(Output), "the dashboard's login link", LongestStart);
        return new Uri(LoginLink().Match(Output).Value);
    }

    /// <returns>Every process of the run, by the mark that they inherit.</returns>
    public IReadOnlyList<ProcessIdentity> Processes()
    {
        var mark = File.ReadAllLines(Path.Combine(_data, "run.id"))[1];
        return [ProcessIdentity.Of(_process.Id), .. ProcessIdentity.WithEnvironment(mark)];
    }

    public async Task ExitedAsync()
    {
        await Eventually.TrueAsync(() => _process.HasExited, "the AppHost to end", LongestStart);
        await _process.WaitForExitAsync(); // and its output to be read
    }

    public async Task SignalAsync(string signal, params int[] processes)
    {
        using var kill = Process.Start("kill", [$"-{signal}", .. processes.Select(id => id.ToString(CultureInfo.InvariantCulture))]);
        await kill.WaitForExitAsync();
        kill.ExitCode.ShouldBe(0);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            var left = File.Exists(Path.Combine(_data, "run.id")) ? Processes() : [];
            _process.Kill();
            await GoneAsync(left);
        }

        _process.Dispose();
    }

    public static Task GoneAsync(IReadOnlyList<ProcessIdentity> processes) => Eventually.TrueAsync(
        () => !processes.Any(process => process.IsAlive), $"the end of {string.Join(", ", processes)}", LongestStart);

    [GeneratedRegex(@"http://localhost:\d+/login\?t=\w+")]
    private static partial Regex LoginLink();
}

/// <summary>A process id with its start time: ids are used again.</summary>
internal sealed record ProcessIdentity(int Id, string Name, string Started)
{
    public bool IsAlive => Read(Id) is { } now && now.Started == Started && now.State != "Z";

    public static ProcessIdentity Of(int id) => Read(id) is { } now ? new ProcessIdentity(id, now.Name, now.Started) : new ProcessIdentity(id, "gone", "");

    public static IEnumerable<ProcessIdentity> WithEnvironment(string mark)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            string environment;
            try
            {
                environment = File.ReadAllText(Path.Combine(directory, "environ"));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                continue; // gone, or another user's
            }

            if (environment.Split('\0').Contains(mark))
            {
                yield return Of(int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture));
            }
        }
    }

    public override string ToString() => $"{Name} ({Id})";

    // "123 (name) S 1 …", the start time is the 22nd word.
    private static (string Name, string State, string Started)? Read(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            var name = text[(text.IndexOf('(') + 1)..text.LastIndexOf(')')];
            var words = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (name, words[0], words[19]);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
