using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Apis.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Kashif.Benchmarks;

/// <summary>FCM's protocol on this machine: accepts messages, except one call in some, and counts what it has accepted twice.</summary>
internal sealed class LocalFcm : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly int _failsOneIn;
    private readonly ConcurrentDictionary<string, bool> _accepted = [];
    private int _calls;
    private int _duplicates;

    private LocalFcm(WebApplication application, int failsOneIn) => (_application, _failsOneIn) = (application, failsOneIn);

    public int Duplicates => _duplicates;

    public string CredentialsJson { get; private set; } = "";

    /// <summary>Redirects calls to FCM to this process.</summary>
    public HttpClientFactory Clients => new Factory(new Uri(_application.Urls.Single()));

    public static async Task<LocalFcm> StartAsync(int failsOneIn)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var fcm = new LocalFcm(builder.Build(), failsOneIn);
        fcm._application.Run(fcm.HandleAsync);
        await fcm._application.StartAsync();
        using var key = RSA.Create(2048);
        fcm.CredentialsJson = JsonSerializer.Serialize(new
        {
            type = "service_account",
            project_id = "bench",
            private_key_id = "1",
            private_key = key.ExportPkcs8PrivateKeyPem(),
            client_email = "push@bench.iam.gserviceaccount.com",
            client_id = "1",
            token_uri = $"{fcm._application.Urls.Single()}/token",
        });
        return fcm;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path == "/token")
        {
            await context.Response.WriteAsJsonAsync(new { access_token = "access", token_type = "Bearer", expires_in = 3600 });
            return;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body);
        if (Interlocked.Increment(ref _calls) % _failsOneIn == 0)
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            await context.Response.WriteAsync("""{"error": {"status": "INTERNAL"}}""");
            return;
        }

        // One device for each user, so a notification is one push.
        if (!_accepted.TryAdd(body.RootElement.GetProperty("message").GetProperty("data").GetProperty("notification_id").ToString(), true))
        {
            Interlocked.Increment(ref _duplicates);
        }

        await context.Response.WriteAsJsonAsync(new { name = $"projects/bench/messages/{_accepted.Count}" });
    }

    private sealed class Factory(Uri fcm) : HttpClientFactory
    {
        protected override HttpMessageHandler CreateHandler(CreateHttpClientArgs args) => new Redirect(fcm) { InnerHandler = new SocketsHttpHandler() };
    }

    private sealed class Redirect(Uri fcm) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.RequestUri = new Uri(fcm, request.RequestUri?.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
