using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Webhooks;

/// <summary>
/// Sends deliveries. It has its own client: the services' clients follow redirects, repeat requests and pass on trace ids, and must reach
/// private networks, which this one must not.
/// </summary>
internal sealed class WebhookClient : IDisposable
{
    public const string SignatureHeader = "X-Kashif-Signature";
    public const string DeliveryHeader = "X-Kashif-Delivery";

    /// <summary>Of a whole try.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly WebhookSecrets _secrets;
    private readonly WebhookOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    public WebhookClient(WebhookSecrets secrets, IOptions<WebhookOptions> options, TimeProvider time)
    {
        (_secrets, _options, _time) = (secrets, options.Value, time);
        _client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1), // the host's address may change
            MaxResponseDrainSize = 64 * 1024,
            ConnectCallback = ConnectAsync,
        })
        {
            Timeout = Timeout,
        };
    }

    public void Dispose() => _client.Dispose();

    /// <returns>Why it failed; null if the receiver has it.</returns>
    public async Task<string?> SendAsync(Webhook webhook, WebhookDelivery delivery, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url);
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(delivery.Payload));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/cloudevents+json", "utf-8");
            request.Headers.UserAgent.ParseAdd("Kashif-Webhooks");
            request.Headers.Add(DeliveryHeader, delivery.Id.ToString());
            request.Headers.Add(SignatureHeader, _secrets.Sign(webhook, delivery.Payload, _time.GetUtcNow()));

            // The body of the response is not read.
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return response.IsSuccessStatusCode ? null : $"HTTP {(int)response.StatusCode}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "No response in time.";
        }
        catch (AuthenticationTagMismatchException)
        {
            return "The secret cannot be decrypted. Set Webhooks:SealingSecret to its former value, or create the webhook anew.";
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Of any kind, so that one webhook never stops the others.
            return exception.InnerException is PrivateNetworkException refused ? refused.Message : exception.Message;
        }
    }

    /// <summary>Whether the host of a URL has no public address. False if it cannot be looked up now: each connection looks again.</summary>
    public async Task<bool> IsPrivateAsync(Uri url, CancellationToken cancellationToken)
    {
        if (_options.AllowPrivateNetworks)
        {
            return false;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            return (await Dns.GetHostAddressesAsync(url.IdnHost.Trim('[', ']'), limit.Token)).All(PrivateNetworks.Contain);
        }
        catch (Exception exception) when (exception is SocketException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            return true; // no name that a host can have
        }
    }

    /// <summary>Checks the address to which it connects, not only the host's name: what the name means can change at any moment.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        Exception failure = new PrivateNetworkException();
        foreach (var address in addresses.Where(address => _options.AllowPrivateNetworks || !PrivateNetworks.Contain(address)))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException exception)
            {
                socket.Dispose();
                failure = exception;
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw failure;
    }

    private sealed class PrivateNetworkException() : IOException("The host has no public address.");
}
