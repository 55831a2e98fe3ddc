using System.Text;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.WebUtilities;

namespace Kashif.Gateway.Export;

/// <summary>
/// <c>GET auth/me/export</c>: all of a user's data as one JSON document, or an error if any part is missing.
/// <code>
/// 1. client ──► gateway ──► Auth            authorizes and audits the export, returns {"exported_at", "account"}
/// 2.            gateway ──► other services  each returns its part, for the gateway's service token
/// 3. client ◄── gateway                     Auth's status and headers, all parts
/// </code>
/// </summary>
internal sealed partial class ExportComposition(RequestDelegate next, IHttpClientFactory clients, ILogger<ExportComposition> logger)
{
    public const string Client = "user-export";

    private const string RetryAfterSeconds = "30";
    private static readonly TimeSpan PartTimeout = TimeSpan.FromSeconds(60);
    private static readonly Error Unavailable = Error.Unavailable("export_unavailable", "A service with some of your data is unavailable. Try again.");

    public async Task InvokeAsync(HttpContext context)
    {
        if (!ExportExtensions.IsExport(context.GetReverseProxyFeature().Route.Config.Metadata))
        {
            await next(context);
            return;
        }

        // :: Step 1. If Auth refuses or fails, its response is already forwarded.
        var account = new AccountPart();
        context.Features.Set(account);
        await next(context);
        if (account.Body is not { } own)
        {
            return;
        }

        // :: Step 2. Buffered, in a file if long: the response starts only when the document is complete.
        await using var document = new FileBufferingWriteStream();
        if (!await TryComposeAsync(document, own, context.User.UserId, context.RequestAborted))
        {
            context.Response.Clear();
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
            await Unavailable.ToProblem().ExecuteAsync(context);
            return;
        }

        // :: Step 3.
        context.Response.ContentLength = document.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await document.DrainBufferAsync(context.Response.BodyWriter, context.RequestAborted);
        }
    }

    private async Task<bool> TryComposeAsync(Stream document, byte[] own, Guid userId, CancellationToken cancellationToken)
    {
        if (own is not [(byte)'{', .., (byte)'}'])
        {
            PartInvalid(ResourceNames.Auth);
            return false;
        }

        await document.WriteAsync(own.AsMemory(..^1), cancellationToken);
        foreach (var service in ResourceNames.UserDataServices)
        {
            await WriteAsync(document, $",\"{service}\":", cancellationToken);
            try
            {
                await CopyPartAsync(service, userId, document, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                PartFailed(service, exception);
                return false;
            }
        }

        await WriteAsync(document, "}", cancellationToken);
        return true;
    }

    private async Task CopyPartAsync(string service, Guid userId, Stream document, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(PartTimeout);
        using var response = await clients.CreateClient(Client).GetAsync(
            $"https+http://{service}/internal/v1/users/{userId}/export", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        response.EnsureSuccessStatusCode();
        await response.Content.CopyToAsync(document, limit.Token);
    }

    private static Task WriteAsync(Stream document, string text, CancellationToken cancellationToken) =>
        document.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).AsTask();

    [LoggerMessage(EventId = 7101, Level = LogLevel.Warning, Message = "An export failed: no part from {Service}")]
    private partial void PartFailed(string service, Exception exception);

    [LoggerMessage(EventId = 7102, Level = LogLevel.Error, Message = "An export failed: the part from {Service} is not a JSON object")]
    private partial void PartInvalid(string service);
}
