using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kashif.Http;

/// <summary>
/// <c>X-Correlation-Id</c>: from the request, or the trace id by default. It is returned, logged, and sent with events and calls to
/// other services.
/// </summary>
public static class CorrelationId
{
    public const string Header = "X-Correlation-Id";
    public const int MaxLength = 128;

    private static readonly AsyncLocal<string?> Ambient = new();

    /// <summary>The id of the current request or message, or null outside of both.</summary>
    public static string? Current => Ambient.Value ?? Activity.Current?.TraceId.ToString();

    /// <summary>Must run before all middleware that logs or responds.</summary>
    internal static Func<HttpContext, RequestDelegate, Task> Middleware(ILogger logger) => async (context, next) =>
    {
        var sent = context.Request.Headers[Header] is [{ } only] ? only : "";
        if (!IsValid(sent))
        {
            // No logging scope: every log line has the trace id already.
            var made = Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier;
            context.Request.Headers[Header] = made;
            Return(context.Response, made);
            await next(context);
            return;
        }

        Ambient.Value = sent;
        Return(context.Response, sent);
        using (logger.BeginScope("correlation_id:{correlation_id}", sent))
        {
            await next(context);
        }
    };

    /// <summary>Sets the header when the response starts, because the exception handler clears the headers.</summary>
    private static void Return(HttpResponse response, string id) => response.OnStarting(() =>
    {
        response.Headers[Header] = id;
        return Task.CompletedTask;
    });

    /// <summary>Printable ASCII without spaces. Other characters could forge log lines or headers.</summary>
    private static bool IsValid(string value) =>
        value.Length is > 0 and <= MaxLength && value.AsSpan().IndexOfAnyExceptInRange('!', '~') < 0;
}

/// <summary>Sends the correlation id with calls to other services.</summary>
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
