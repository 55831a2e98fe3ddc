using System.Net;
using System.Net.Http.Json;
using Kashif.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>Tokens for calls from service to service.</summary>
public sealed class ServiceTokenTests
{
    private int _issued;
    private string? _revoked;

    [Fact]
    public async Task A_revoked_token_is_replaced_without_a_failed_call()
    {
        await using var service = Build();
        var client = service.Services.GetRequiredService<IHttpClientFactory>().CreateClient("test");
        (await CallAsync(client)).ShouldBe(HttpStatusCode.OK);

        _revoked = "token-1";
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CallAsync(client)));

        answers.ShouldAllBe(status => status == HttpStatusCode.OK);
        _issued.ShouldBe(2);
    }

    [Fact]
    public async Task A_rejected_token_is_replaced_only_once()
    {
        await using var service = Build();
        var client = service.Services.GetRequiredService<IHttpClientFactory>().CreateClient("test");

        _revoked = "";
        (await CallAsync(client)).ShouldBe(HttpStatusCode.Unauthorized);

        _issued.ShouldBe(2);
    }

    private static async Task<HttpStatusCode> CallAsync(HttpClient client)
    {
        using var response = await client.PutAsJsonAsync("http://gamification/debits/1", new { points = 5 }, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private WebApplication Build()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("ServiceClient:ClientId", "coupons"), new("ServiceClient:ClientSecret", "a secret of the tests")]);
        builder.AddServiceDefaults(ResourceNames.Coupons);
        builder.Services.AddHttpClient("test").AddServiceToken().ConfigurePrimaryHttpMessageHandler(() => new Network(this));
        builder.Services.AddHttpClient(ServiceTokens.Client).ConfigurePrimaryHttpMessageHandler(() => new Network(this));
        return builder.Build();
    }

    /// <summary>Auth, which issues token-1, token-2 and so on, and a service that accepts all tokens except revoked ones.</summary>
    private sealed class Network(ServiceTokenTests test) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri?.AbsolutePath == "/api/v1/auth/token")
            {
                return new HttpResponseMessage { Content = JsonContent.Create(new { access_token = $"token-{Interlocked.Increment(ref test._issued)}", expires_in = 900 }) };
            }

            var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
            var accepted = body == """{"points":5}""" && test._revoked != "" && request.Headers.Authorization?.Parameter != test._revoked;
            return new HttpResponseMessage(accepted ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
        }
    }
}
