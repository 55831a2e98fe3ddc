using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Kashif.Security;

/// <summary>Section <c>ServiceClient</c>: how this service proves itself to others (OAuth 2 client credentials, RFC 6749 section 4.4).</summary>
public sealed class ServiceClientOptions
{
    public const string Section = "ServiceClient";

    [Required(ErrorMessage = "ServiceClient:ClientId is not set: the name by which Auth knows this service (Auth:ServiceClients:<id>).")]
    public string ClientId { get; set; } = "";

    [Required(ErrorMessage = "ServiceClient:ClientSecret is not set: the secret that Auth holds under Auth:ServiceClients:<id>.")]
    public string ClientSecret { get; set; } = "";
}

/// <summary>Lets an HTTP client of one service call another as a service, not as a user.</summary>
public static class ServiceClientExtensions
{
    /// <summary>Puts a token with the role <see cref="Roles.Service"/> on each request, asked of Auth and kept until shortly before it expires.</summary>
    public static IHttpClientBuilder AddServiceToken(this IHttpClientBuilder builder)
    {
        builder.Services.AddOptions<ServiceClientOptions>()
            .BindConfiguration(ServiceClientOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddHttpClient(ServiceTokens.Client, client => client.BaseAddress = new Uri($"http://{ResourceNames.Auth}"));
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
        if (response.StatusCode != HttpStatusCode.Unauthorized)
        {
            return response;
        }

        // Auth may have revoked its keys, and the token with them.
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

/// <summary>The current service token; one request at a time fetches a new one.</summary>
internal sealed class ServiceTokens(IHttpClientFactory clients, IOptions<ServiceClientOptions> options, TimeProvider time) : IDisposable
{
    public const string Client = "service-token";

    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _fetching = new(1);
    private Token? _token;

    public void Dispose() => _fetching.Dispose();

    /// <summary>Drops this token, unless another request has replaced it already.</summary>
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
            ?? throw new HttpRequestException("Auth answered the token request with nothing.");
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
