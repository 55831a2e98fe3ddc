using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Kashif.Security;

/// <summary>Section <c>ServiceClient</c>: this service's OAuth 2 client credentials (RFC 6749 section 4.4).</summary>
public sealed class ServiceClientOptions
{
    public const string Section = "ServiceClient";

    [Required(ErrorMessage = "ServiceClient:ClientId is not set. It is the <id> in Auth:ServiceClients:<id>:Secret.")]
    public string ClientId { get; set; } = "";

    [Required(ErrorMessage = "ServiceClient:ClientSecret is not set. It is the value of Auth:ServiceClients:<id>:Secret.")]
    public string ClientSecret { get; set; } = "";
}

/// <summary>Service tokens for calls to other services.</summary>
public static class ServiceClientExtensions
{
    /// <summary>Sends a token with the role <see cref="Roles.Service"/> and the scopes of this service. Gets it from Auth and renews it before it expires.</summary>
    public static IHttpClientBuilder AddServiceToken(this IHttpClientBuilder builder)
    {
        builder.Services.AddOptions<ServiceClientOptions>()
            .BindConfiguration(ServiceClientOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHttpClient(ServiceTokens.Client, client => client.BaseAddress = new Uri($"https+http://{ResourceNames.Auth}"));
        builder.Services.TryAddSingleton<ServiceTokens>();
        builder.Services.TryAddTransient<ServiceTokenHandler>();
        return builder.AddHttpMessageHandler<ServiceTokenHandler>();
    }
}

internal sealed class ServiceTokenHandler(ServiceTokens tokens) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var token = await tokens.GetAsync(cancellationToken);
        var response = await SendAsync(request, token, cancellationToken);
        if (response.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden))
        {
            return response;
        }

        // The token is invalid if Auth has revoked its signing keys, and has no scopes if an older Auth issued it: try once with a new one.
        response.Dispose();
        tokens.Forget(token);
        return await SendAsync(request, await tokens.GetAsync(cancellationToken), cancellationToken);
    }

    private Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string token, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return base.SendAsync(request, cancellationToken);
    }
}

/// <summary>The current service token. Only one request at a time fetches a new one.</summary>
internal sealed class ServiceTokens(IHttpClientFactory clients, IOptions<ServiceClientOptions> options, TimeProvider time) : IDisposable
{
    public const string Client = "service-token";

    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _fetching = new(1);
    private Token? _token;

    public void Dispose() => _fetching.Dispose();

    /// <summary>Drops the token, unless another request has already replaced it.</summary>
    public void Forget(string value)
    {
        if (_token is { } token && token.Value == value)
        {
            Interlocked.CompareExchange(ref _token, null, token);
        }
    }

    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        if (_token is { } token && token.Good(time))
        {
            return token.Value;
        }

        await _fetching.WaitAsync(cancellationToken);
        try
        {
            if (_token is not { } current || !current.Good(time))
            {
                _token = current = await FetchAsync(cancellationToken);
            }

            return current.Value;
        }
        finally
        {
            _fetching.Release();
        }
    }

    private async Task<Token> FetchAsync(CancellationToken cancellationToken)
    {
        using var content = new FormUrlEncodedContent(
        [
            new("grant_type", "client_credentials"),
            new("client_id", options.Value.ClientId),
            new("client_secret", options.Value.ClientSecret),
        ]);
        using var response = await clients.CreateClient(Client).PostAsync("/api/v1/auth/token", content, cancellationToken);
        response.EnsureSuccessStatusCode();
        var answer = await response.Content.ReadFromJsonAsync(ServiceTokenJson.Default.ServiceTokenResponse, cancellationToken)
            ?? throw new HttpRequestException("Auth's token response is null.");
        return new Token(answer.AccessToken, time.GetUtcNow().AddSeconds(answer.ExpiresIn) - Margin);
    }

    private sealed record Token(string Value, DateTimeOffset RenewAt)
    {
        public bool Good(TimeProvider time) => time.GetUtcNow() < RenewAt;
    }
}

internal sealed record ServiceTokenResponse(string AccessToken, int ExpiresIn);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ServiceTokenResponse))]
internal sealed partial class ServiceTokenJson : JsonSerializerContext;
