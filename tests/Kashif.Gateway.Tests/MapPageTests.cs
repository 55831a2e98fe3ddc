using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Tests;

/// <summary>How <c>/map</c> is served; the system tests use it in a browser.</summary>
public sealed class MapPageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_page_is_revalidated_and_its_files_are_kept()
    {
        await using var gateway = await GatewayService.StartAsync();

        using var page = await gateway.Client.GetAsync("/map", Cancel);
        page.StatusCode.ShouldBe(HttpStatusCode.OK, "./kashif test installs Leaflet before the build; so does npm ci in eng/map.");
        page.Content.Headers.ContentType?.ToString().ShouldBe("text/html; charset=utf-8");
        page.Headers.CacheControl?.ToString().ShouldBe("no-cache");
        Header(page, "Content-Security-Policy").ShouldBe(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https://tile.openstreetmap.org; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        Header(page, "X-Frame-Options").ShouldBe("DENY");
        using var again = new HttpRequestMessage(HttpMethod.Get, "/map") { Headers = { IfNoneMatch = { page.Headers.ETag.ShouldNotBeNull() } } };
        using var unchanged = await gateway.Client.SendAsync(again, Cancel);
        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);

        var html = await page.Content.ReadAsStringAsync(Cancel);
        html.ShouldNotContain("[[");
        var files = Regex.Matches(html, "\"(/map/[^\"]+)\"").Select(match => match.Groups[1].Value).ToArray();
        files.Select(Path.GetFileName).ShouldBe(["leaflet.css", "map.css", "leaflet.js", "map.js"]);
        foreach (var file in files)
        {
            using var response = await gateway.Client.GetAsync(file, Cancel);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, file);
            Header(response, "Cache-Control").ShouldBe("public, max-age=31536000, immutable");
            response.Content.Headers.ContentType?.MediaType.ShouldBe(file.EndsWith(".js", StringComparison.Ordinal) ? "text/javascript" : "text/css");
            using var ofOtherVersion = await gateway.Client.GetAsync($"/map/0123/{Path.GetFileName(file)}", Cancel);
            Header(ofOtherVersion, "Cache-Control").ShouldBe("no-cache");
        }
    }

    [Fact]
    public async Task Options_set_the_tile_server_the_first_view_and_the_frames()
    {
        await using var gateway = await GatewayService.StartAsync(
            ("Map:TileUrl", "https://{s}.tiles.example:8443/{z}/{x}/{y}.png?a=1&b=2"), ("Map:Attribution", "\"City\" <b>"), ("Map:AttributionUrl", ""),
            ("Map:Latitude", "33.5"), ("Map:Longitude", "36.25"), ("Map:Zoom", "11"), ("Map:FrameAncestors:0", "https://city.example"));

        using var page = await gateway.Client.GetAsync("/map", Cancel);

        Header(page, "Content-Security-Policy").ShouldContain("img-src 'self' data: https://*.tiles.example:8443;");
        Header(page, "Content-Security-Policy").ShouldEndWith("frame-ancestors https://city.example");
        page.Headers.Contains("X-Frame-Options").ShouldBeFalse();
        var html = await page.Content.ReadAsStringAsync(Cancel);
        html.ShouldContain("data-tiles=\"https://{s}.tiles.example:8443/{z}/{x}/{y}.png?a=1&amp;b=2\" data-attribution=\"&quot;City&quot; &lt;b&gt;\" data-attribution-url=\"\"");
        html.ShouldContain("data-latitude=\"33.5\" data-longitude=\"36.25\" data-zoom=\"11\"");
    }

    [Fact]
    public async Task Without_a_tile_server_the_page_loads_no_image_from_elsewhere()
    {
        await using var gateway = await GatewayService.StartAsync(("Map:TileUrl", ""));

        using var page = await gateway.Client.GetAsync("/map", Cancel);

        Header(page, "Content-Security-Policy").ShouldContain("img-src 'self' data:;");
    }

    [Theory]
    [InlineData("Map:TileUrl", "https://tile.example/{z}/{x}.png")]
    [InlineData("Map:TileUrl", "/tiles/{z}/{x}/{y}.png")]
    [InlineData("Map:TileUrl", "https://tile.example;script-src/{z}/{x}/{y}")]
    [InlineData("Map:AttributionUrl", "javascript:alert(1)")]
    [InlineData("Map:Latitude", "33.5")]
    [InlineData("Map:Zoom", "20")]
    [InlineData("Map:FrameAncestors:0", "https://city.example/")]
    public async Task Wrong_options_stop_the_start(string name, string value)
    {
        var exception = await Should.ThrowAsync<OptionsValidationException>(async () => await GatewayService.StartAsync((name, value)));

        exception.Message.ShouldContain(name.Replace(":0", "", StringComparison.Ordinal));
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));
}
