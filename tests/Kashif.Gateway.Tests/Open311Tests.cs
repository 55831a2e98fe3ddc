using System.Net;
using Microsoft.AspNetCore.Http;

namespace Kashif.Gateway.Tests;

/// <summary>Open311 has its own path, its own API keys, and is open to pages of all origins.</summary>
public sealed class Open311Tests : IAsyncLifetime
{
    private const string Page = "https://map.example";
    private GatewayService? _gateway;

    private GatewayService Gateway => _gateway ?? throw new InvalidOperationException("Not started.");

    private FakeService Reporting => Gateway[ResourceNames.Reporting];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _gateway = await GatewayService.StartAsync(("Cors:Origins:0", "https://app.example"));

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    [Theory]
    [InlineData("X-Api-Key", "open311_abc")]
    [InlineData("X-Api-Key", "kashif_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")]
    [InlineData("api_key", "open311_abc")]
    public async Task Its_API_keys_reach_the_service(string header, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/open311/v2/requests.xml?api_key=open311_query") { Content = new FormUrlEncodedContent([new("api_key", "open311_form")]) };
        request.Headers.Add(header, key);

        using var response = await Gateway.Client.SendAsync(request, Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var seen = Reporting.Requests.ShouldHaveSingleItem();
        seen.Target.ShouldBe("/open311/v2/requests.xml?api_key=open311_query");
        seen.Headers[header].ShouldBe(key);
        Gateway[ResourceNames.Auth].Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Pages_of_all_origins_may_read_it_also_from_the_cache()
    {
        Reporting.Respond = context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            context.Response.ContentType = "text/xml; charset=utf-8";
            return context.Response.WriteAsync("<services />");
        };

        foreach (var (origin, allowed) in new[] { (Page, "*"), ("https://app.example", "https://app.example"), (Page, "*") })
        {
            using var read = await SendAsync(HttpMethod.Get, "/open311/v2/services.xml", origin);
            read.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([allowed]);
            (read.Content.Headers.ContentType?.ToString()).ShouldBe("text/xml; charset=utf-8");
        }

        Reporting.Requests.Count.ShouldBe(1);
        using var post = await SendAsync(HttpMethod.Post, "/open311/v2/requests.xml", Page);
        using var other = await SendAsync(HttpMethod.Get, "/api/v1/reports", Page);
        post.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
        other.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Theory]
    [InlineData("/open311/v2/requests.json", HttpStatusCode.OK)]
    [InlineData("/open311/v2/servicerequestupdates.json", HttpStatusCode.RequestEntityTooLarge)]
    public async Task A_request_may_have_photos(string path, HttpStatusCode expected)
    {
        using var response = await Gateway.Client.PostAsync(path, new ByteArrayContent(new byte[2 * 1024 * 1024]), Cancel);

        response.StatusCode.ShouldBe(expected);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string origin)
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { { "Origin", origin } } };
        return await Gateway.Client.SendAsync(request, Cancel);
    }
}
