using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kashif.LocalEngine;

/// <summary>What the processes print: in a file each, the last lines in memory, on the console with a prefix, and to the application's loggers.</summary>
internal sealed partial class LogStore(EngineOptions options, Workspace workspace, ILoggerFactory loggers, IHostEnvironment environment) : IDisposable
{
    private const int Remembered = 200;
    private const int Shown = 30;

    private static readonly int[] Colours = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

    private readonly ConcurrentDictionary<string, Log> _logs = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool _colour = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is null;

    public string PathOf(string instance) => Path.Combine(workspace.Logs, $"{instance}.log");

    /// <summary>A log for an instance; <paramref name="toConsole"/> is false for servers, whose chatter is only wanted when they fail.</summary>
    public Action<string, bool> Open(string instance, string resource, bool toConsole)
    {
        var log = _logs.GetOrAdd(instance, _ => new(
            resource,
            new StreamWriter(new FileStream(PathOf(instance), FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true },
            Colours[_logs.Count % Colours.Length],
            loggers.CreateLogger($"{environment.ApplicationName}.Resources.{resource}")));
        return (line, isError) => Write(instance, log, line, isError, toConsole);
    }

    /// <summary>A line of the engine's own about an instance; always shown.</summary>
    public void Tell(string instance, string line, bool isError = false)
    {
        if (_logs.TryGetValue(instance, out var log))
        {
            Write(instance, log, line, isError, toConsole: true);
        }
        else if (options.Console)
        {
            Console.WriteLine(Prefixed(instance, colour: 90, line));
        }
    }

    /// <summary>The last lines of a resource, for a message about its failure.</summary>
    public string Tail(string resourceOrInstance)
    {
        foreach (var (instance, log) in _logs)
        {
            if (string.Equals(log.Resource, resourceOrInstance, StringComparison.OrdinalIgnoreCase) || string.Equals(instance, resourceOrInstance, StringComparison.OrdinalIgnoreCase))
            {
                lock (log)
                {
                    return log.Last.Count == 0 ? "" : $"{Environment.NewLine}Last lines of {instance}:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", log.Last.TakeLast(Shown))}";
                }
            }
        }

        return "";
    }

    public void Dispose()
    {
        foreach (var log in _logs.Values)
        {
            lock (log)
            {
                log.File.Dispose();
            }
        }
    }

    private void Write(string instance, Log log, string line, bool isError, bool toConsole)
    {
        var plain = Escapes().Replace(line, "");
        lock (log)
        {
            if (log.Last.Count == Remembered)
            {
                log.Last.Dequeue();
            }

            log.Last.Enqueue(plain);
            if (log.File.BaseStream is { CanWrite: true })
            {
                log.File.WriteLine(plain);
            }
        }

        if (options.Console && toConsole)
        {
            Console.WriteLine(Prefixed(instance, log.Colour, _colour ? line : plain));
        }
        else if (!options.Console)
        {
            log.Logger.Log(isError ? LogLevel.Error : LogLevel.Information, "{Line}", plain);
        }
    }

    private string Prefixed(string instance, int colour, string line) => _colour ? $"\e[{colour}m{instance,-16}\e[0m {line}" : $"{instance,-16} {line}";

    [GeneratedRegex("\e\\[[0-9;]*[A-Za-z]|\e\\][^\a\e]*(\a|\e\\\\)")]
    private static partial Regex Escapes();

    private sealed record Log(string Resource, StreamWriter File, int Colour, ILogger Logger)
    {
        public Queue<string> Last { get; } = new(Remembered);
    }
}
