using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kashif.Testing;

/// <summary>Receives OTLP over HTTP from any number of processes.</summary>
/// <remarks>Field numbers: https://github.com/open-telemetry/opentelemetry-proto</remarks>
public sealed class OtlpReceiver : IAsyncDisposable
{
    /// <summary>Only the latest spans are stored: a full test run exports more than fit into memory.</summary>
    private const int MaxSpans = 20_000;

    private readonly WebApplication _application;
    private readonly ConcurrentQueue<ReceivedSpan> _spans = [];
    private readonly ConcurrentDictionary<string, int> _exports = [];

    private OtlpReceiver(WebApplication application) => _application = application;

    /// <summary>The environment of a process that exports to this receiver with short delays.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _application.Urls.Single(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "200",
        ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
    };

    /// <summary>The latest spans, in order of arrival.</summary>
    public IReadOnlyCollection<ReceivedSpan> Spans => _spans;

    /// <param name="service">The <c>service.name</c>.</param>
    /// <param name="metric">The instrument's name.</param>
    /// <returns>How many times the service has exported the metric.</returns>
    public int MetricExports(string service, string metric) => _exports.GetValueOrDefault($"{service} metric {metric}");

    /// <returns>How many times the service has logged the message.</returns>
    public int LogExports(string service, string message) => _exports.GetValueOrDefault($"{service} log {message}");

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");

        // Replaces ASP.NET Core's sources: a traced service in this process would also trace the exports, and export those traces.
        builder.Services.AddSingleton(new ActivitySource(nameof(OtlpReceiver)));
        builder.Services.AddSingleton(new DiagnosticListener(nameof(OtlpReceiver)));
        var receiver = new OtlpReceiver(builder.Build());
        receiver._application.MapPost("/v1/{signal}", receiver.ReceiveAsync);
        await receiver._application.StartAsync();
        return receiver;
    }

    /// <summary>Whether a span contains the text, in any field.</summary>
    public bool SpansContain(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return _spans.Any(span => span.Bytes.Span.IndexOf(bytes) >= 0);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task<IResult> ReceiveAsync(string signal, HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await ByteString.FromStreamAsync(request.Body, cancellationToken);
        foreach (var resource in new ProtobufMessage(body).Messages(1))
        {
            var service = Attributes(resource.Message(1), 1).GetValueOrDefault("service.name", "");
            foreach (var item in resource.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                switch (signal)
                {
                    case "traces":
                        _spans.Enqueue(ToSpan(service, item));
                        break;
                    case "metrics":
                        Count($"{service} metric {item.Text(1)}");
                        break;
                    case "logs":
                        Count($"{service} log {item.Message(5).Text(1)}");
                        break;
                    default:
                        return Results.NotFound();
                }
            }
        }

        while (_spans.Count > MaxSpans && _spans.TryDequeue(out _))
        {
        }

        return Results.Bytes([], "application/x-protobuf");
    }

    private void Count(string export) => _exports.AddOrUpdate(export, 1, (_, count) => count + 1);

    private static ReceivedSpan ToSpan(string service, ProtobufMessage span) => new(
        service,
        TraceId: span.Hex(1),
        Id: span.Hex(2),
        ParentId: span.Hex(4),
        Name: span.Text(5),
        Kind: (ActivityKind)((span.Value(6) ?? 1) - 1),
        Start: span.Value(7) ?? 0,
        Attributes(span, 9),
        Links: [.. span.Messages(13).Select(link => link.Hex(2))],
        IsError: span.Message(15).Value(3) == 2,
        span.Bytes);

    private static Dictionary<string, string> Attributes(ProtobufMessage owner, int number) =>
        owner.Messages(number).ToDictionary(attribute => attribute.Text(1), attribute => Text(attribute.Message(2)));

    private static string Text(ProtobufMessage value) =>
        value.Value(3)?.ToString(CultureInfo.InvariantCulture) ?? value.Value(2)?.ToString(CultureInfo.InvariantCulture) ?? value.Text(1);
}

/// <param name="Service">The resource's <c>service.name</c>.</param>
/// <param name="ParentId">Empty for a root span.</param>
/// <param name="Start">In nanoseconds since 1970.</param>
/// <param name="Links">The ids of the linked spans.</param>
/// <param name="Bytes">The encoded span.</param>
public sealed record ReceivedSpan(
    string Service, string TraceId, string Id, string ParentId, string Name, ActivityKind Kind, ulong Start,
    IReadOnlyDictionary<string, string> Attributes, IReadOnlyList<string> Links, bool IsError, ReadOnlyMemory<byte> Bytes);
