using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Apis.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Kashif.Notifications.Tests;

/// <summary>
/// A fake of Google: issues access tokens and accepts messages, or refuses them by the start of the device's token
/// (<c>error:http:status:code</c> for any response).
/// </summary>
internal sealed class FakeFcm : IAsyncDisposable
{
    public const string Unregistered = "unregistered";
    public const string WrongSender = "wrong-sender";
    public const string Quota = "quota";
    public const string Invalid = "invalid";

    /// <summary>503 the first time, then accepted.</summary>
    public const string Late = "late";

    /// <summary>Accepted when <see cref="Finish"/> is called.</summary>
    public const string Slow = "slow";

    /// <summary>A proxy's response, not FCM's.</summary>
    public const string Nonsense = "nonsense";

    private static readonly Lazy<string> PrivateKey = new(() =>
    {
        using var key = RSA.Create(2048);
        return key.ExportPkcs8PrivateKeyPem();
    });

    private readonly WebApplication _application;
    private readonly ConcurrentQueue<JsonNode> _received = new();
    private readonly TaskCompletionSource _slow = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _calls;
    private readonly ConcurrentQueue<string> _accepted = new();

    private FakeFcm(WebApplication application) => _application = application;

    public string Address { get; private set; } = "";

    /// <summary>All messages that arrived, accepted or refused.</summary>
    public IReadOnlyList<JsonNode> Received => [.. _received];

    /// <summary>The key of a service account whose token endpoint is this fake.</summary>
    public string CredentialsJson => JsonSerializer.Serialize(new
    {
        type = "service_account",
        project_id = "kashif-test",
        private_key_id = "1",
        private_key = PrivateKey.Value,
        client_email = "push@kashif-test.iam.gserviceaccount.com",
        client_id = "1",
        token_uri = $"{Address}/token",
    });

    /// <summary>Redirects calls to FCM to this fake.</summary>
    public HttpClientFactory Clients => new Factory(new Uri(Address));

    /// <summary>With a used-up quota: the header Retry-After.</summary>
    public string? RetryAfter { get; set; }

    /// <summary>Answers every call of this number with a 500; 0: none.</summary>
    public int FailsOneIn { get; set; }

    /// <summary>Breaks the connection of each call after this number, as a process that dies; 0: none.</summary>
    public int DiesAfter { get; set; }

    /// <summary>The tokens of all messages that were accepted.</summary>
    public IReadOnlyList<string> Accepted => [.. _accepted];

    /// <param name="address">Of a fake that was stopped; null for a new one.</param>
    public static async Task<FakeFcm> StartAsync(string? address = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls(address ?? "http://127.0.0.1:0");
        var fake = new FakeFcm(builder.Build());
        fake._application.Run(fake.HandleAsync);
        await fake._application.StartAsync();
        fake.Address = fake._application.Urls.Single();
        return fake;
    }

    /// <summary>A field of a message; null if absent.</summary>
    public static string? Text(JsonNode message, params string[] path) =>
        path.Aggregate<string, JsonNode?>(message, (node, name) => node?[name])?.ToString();

    public IEnumerable<JsonNode> To(string token) => Received.Where(message => message["token"]?.ToString() == token);

    /// <summary>Answers the slow calls, also later ones.</summary>
    public void Finish() => _slow.TrySetResult();

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path == "/token")
        {
            await context.Response.WriteAsJsonAsync(new { access_token = "access", token_type = "Bearer", expires_in = 3600 });
            return;
        }

        context.Request.Path.Value.ShouldBe("/v1/projects/kashif-test/messages:send");
        context.Request.Headers.Authorization.ToString().ShouldBe("Bearer access");
        var message = (await JsonNode.ParseAsync(context.Request.Body))?["message"] ?? throw new InvalidOperationException("No message.");
        _received.Enqueue(message);
        var token = message["token"]?.ToString() ?? "";
        if (DiesAfter > 0 && Interlocked.Increment(ref _calls) > DiesAfter)
        {
            context.Abort();
            return;
        }

        if (FailsOneIn > 0 && Interlocked.Increment(ref _calls) % FailsOneIn == 0)
        {
            await RefuseAsync(context, 500, "INTERNAL", "INTERNAL");
            return;
        }

        if (token.StartsWith(Slow, StringComparison.Ordinal))
        {
            await _slow.Task.WaitAsync(context.RequestAborted);
        }

        await (token.Split(':') switch
        {
            [Unregistered, ..] => RefuseAsync(context, 404, "NOT_FOUND", "UNREGISTERED"),
            [WrongSender, ..] => RefuseAsync(context, 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
            [Quota, ..] => RefuseAsync(context, 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
            [Invalid, ..] => RefuseAsync(context, 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
            ["error", var http, var status, var code] => RefuseAsync(context, int.Parse(http, CultureInfo.InvariantCulture), status, code),
            [Late] when To(Late).Count() == 1 => RefuseAsync(context, 503, "UNAVAILABLE", "UNAVAILABLE"),
            [Nonsense] => RespondAsync(context, 502, "<html>"),
            _ => AcceptAsync(context, token),
        });
    }

    private Task AcceptAsync(HttpContext context, string token)
    {
        _accepted.Enqueue(token);
        return context.Response.WriteAsJsonAsync(new { name = $"projects/kashif-test/messages/{_accepted.Count}" });
    }

    private static Task RespondAsync(HttpContext context, int http, string text)
    {
        context.Response.StatusCode = http;
        return context.Response.WriteAsync(text);
    }

    private Task RefuseAsync(HttpContext context, int http, string status, string code)
    {
        if (http == StatusCodes.Status429TooManyRequests && RetryAfter is not null)
        {
            context.Response.Headers.RetryAfter = RetryAfter;
        }

        context.Response.StatusCode = http;
        return context.Response.WriteAsJsonAsync(new
        {
            error = new
            {
                code = http,
                message = "refused",
                status,
                details = new[] { new Dictionary<string, string> { ["@type"] = "type.googleapis.com/google.firebase.fcm.v1.FcmError", ["errorCode"] = code } },
            },
        });
    }

    private sealed class Factory(Uri fake) : HttpClientFactory
    {
        protected override HttpMessageHandler CreateHandler(CreateHttpClientArgs args) => new Redirect(fake) { InnerHandler = new SocketsHttpHandler() };
    }

    private sealed class Redirect(Uri fake) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri is { } address)
            {
                request.RequestUri = new Uri(fake, address.PathAndQuery);
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
