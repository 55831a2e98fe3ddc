using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kashif.Http;

/// <summary>
/// <c>X-Correlation-Id</c>: the caller's or, without one, the trace id. It is returned, logged, and passed on
/// with events and calls to other services.
/// </summary>
public static class CorrelationId
{
    public const string Header = "X-Correlation-Id";
    public const int MaxLength = 128;

    private static readonly AsyncLocal<string?> Ambient = new();

    /// <summary>Of the request or message that is being handled; null outside of any.</summary>
    public static string? Current => Ambient.Value ?? Activity.Current?.TraceId.ToString();

    /// <summary>Must run before everything that logs or answers.</summary>
    internal static Func<HttpContext, RequestDelegate, Task> Middleware(ILogger logger) => async (context, next) =>
    {
        var sent = context.Request.Headers[Header].ToString();
        if (!IsValid(sent))
        {
            // The trace id is on every log line already, so this path needs no scope.
            var made = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
            context.Request.Headers[Header] = made;
            Return(context.Response, made);
            await next(context);
            return;
        }

        Ambient.Value = sent;
        Return(context.Response, sent);
        using (logger.BeginScope(new KeyValuePair<string, object>[] { new("correlation_id", sent) }))
        {
            await next(context);
        }
    };

    /// <summary>Set when the response starts, because the exception handler clears headers.</summary>
    private static void Return(HttpResponse response, string id) => response.OnStarting(() =>
    {
        response.Headers[Header] = id;
        return Task.CompletedTask;
    });

    /// <summary>Printable ASCII without spaces: anything else could forge log lines or headers, and is replaced.</summary>
    private static bool IsValid(string value) =>
        value.Length is > 0 and <= MaxLength && value.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;
}

/// <summary>Passes the correlation id on to the services that this one calls.</summary>
internal sealed class CorrelationIdHandler : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (CorrelationId.Current is { } id && !request.Headers.Contains(CorrelationId.Header))
        {
            request.Headers.Add(CorrelationId.Header, id);
        }

        return base.SendAsync(request, cancellationToken);
    }
}
