using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Kashif.Testing;

/// <summary>Captures all log lines, with exceptions.</summary>
public sealed class CapturedLogs : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>The lines of Kashif and EF Core. The framework's traces of requests are off in every environment.</summary>
    public IReadOnlyList<string> KashifLines => [.. _lines.Where(line => line.Contains(" Kashif.") || line.Contains(" Microsoft.EntityFrameworkCore"))];

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private sealed class Logger(CapturedLogs logs, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            logs._lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)} {exception}");
    }
}
