using System.Diagnostics;
using System.Diagnostics.Metrics;
using Kashif.Http;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Kashif.Telemetry;

/// <summary>
/// <c>api_requests_total</c>, <c>api_request_duration_seconds</c> and <c>idempotency_hits_total</c>. Clients cannot add label values: the
/// route is a template, and <c>none</c> for an unknown path.
/// </summary>
internal sealed class ApiMetrics
{
    private const string NoRoute = "none";
    private const string OtherMethod = "_OTHER";
    private const string EventStream = "text/event-stream";
    private readonly KeyValuePair<string, object?> _service;
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _replays;

    public ApiMetrics(IMeterFactory meters, ServiceIdentity service)
    {
        var meter = meters.Create(KashifTelemetry.Name);
        _service = new("service", service.Name);
        _requests = meter.CreateCounter<long>("api_requests", "{request}", "Requests by method, route and status");
        _duration = meter.CreateHistogram(
            "api_request_duration", "s", "Time from the request to the end of the response", tags: null, KashifTelemetry.RouteSeconds);
        _replays = meter.CreateCounter<long>("idempotency_hits", "{request}", "Responses replayed under an idempotency key");
        _replays.Add(0, _service);
    }

    public async Task MeasureAsync(HttpContext context, RequestDelegate next)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            await next(context);
        }
        finally
        {
            var tags = new TagList
            {
                _service,
                { "method", Method(context.Request.Method) },
                { "route", Route(context) },
                { "status", context.Response.StatusCode },
            };
            _requests.Add(1, tags);

            // Without the status, which would multiply the buckets, and without streams, which last as long as their client wants.
            if (context.Response.ContentType?.StartsWith(EventStream, StringComparison.OrdinalIgnoreCase) != true)
            {
                tags.RemoveAt(tags.Count - 1);
                _duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, tags);
            }

            if (context.Response.Headers.ContainsKey(IdempotencyHeaders.Replayed))
            {
                _replays.Add(1, _service);
            }
        }
    }

    /// <summary>The exception handler clears the request's endpoint.</summary>
    private static string Route(HttpContext context) =>
        (context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint) is RouteEndpoint endpoint
            ? endpoint.RoutePattern.RawText ?? NoRoute
            : NoRoute;

    private static string Method(string method) => method switch
    {
        "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" => method,
        _ => OtherMethod,
    };
}
