using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Testing;
using Microsoft.Playwright;

namespace Kashif.SystemTests;

/// <summary>Uses the page <c>/map</c> in a real browser.</summary>
public sealed class MapTests(KashifSystem system)
{
    private const string Harmful = "<img src=x onerror=document.title='run'> & a lamp";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_report_is_found_and_read_by_keyboard_only()
    {
        var id = await ReportAsync(Harmful, Place());
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();
        var page = await NewPageAsync(browser, "en-GB");
        var errors = page.CollectErrors();

        await page.GotoAsync(AddressOf($"/map#report={id}"));
        await page.GetByRole(AriaRole.Heading, new() { Name = Harmful }).WaitForAsync();
        await FocusIsOnAsync(page, "report-title");
        var report = page.GetByRole(AriaRole.Article);
        await report.GetByText("In the right lane.").WaitForAsync();
        (await report.Locator(".badge").AllInnerTextsAsync()).ShouldBe(["Submitted", "Submitted"]);
        (await report.Locator(".timeline li").CountAsync()).ShouldBe(1);
        await CheckAccessibilityAsync(page);

        await page.Keyboard.PressAsync("Escape");
        var link = page.GetByRole(AriaRole.Link, new() { Name = Harmful });
        await link.WaitForAsync();
        page.Url.ShouldNotContain("#");
        await page.GetByRole(AriaRole.Status).GetByText("1 report here").WaitForAsync();
        var marker = page.GetByRole(AriaRole.Button, new() { Name = "Pothole: Submitted" });
        await marker.WaitForAsync();
        await CheckAccessibilityAsync(page);

        await page.GetByLabel("Status").FocusAsync();
        await page.Keyboard.TypeAsync("Resolved");
        await page.GetByRole(AriaRole.Status).GetByText("No reports here").WaitForAsync();
        (await link.CountAsync() + await marker.CountAsync()).ShouldBe(0);
        page.Url.ShouldEndWith("?status=resolved");
        await page.Keyboard.PressAsync("Home");
        await link.WaitForAsync();

        await link.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await FocusIsOnAsync(page, "report-title");
        await page.GetByRole(AriaRole.Button, new() { Name = "Back to the list" }).PressAsync("Enter");
        await link.WaitForAsync();
        (await link.EvaluateAsync<bool>("link => link === document.activeElement")).ShouldBeTrue();
        await marker.PressAsync("Enter");
        await FocusIsOnAsync(page, "report-title");

        (await page.TitleAsync()).ShouldStartWith(Harmful);
        (await page.Locator("img[src=x]").CountAsync()).ShouldBe(0);
        errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_page_is_right_to_left_in_Arabic()
    {
        var id = await ReportAsync("حفرة عميقة", Place());
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();
        var page = await NewPageAsync(browser, "ar-SY");
        var errors = page.CollectErrors();

        await page.GotoAsync(AddressOf($"/map#report={id}"));
        await page.GetByRole(AriaRole.Heading, new() { Name = "حفرة عميقة" }).WaitForAsync();

        (await page.Locator("html").GetAttributeAsync("dir")).ShouldBe("rtl");
        (await page.Locator("html").GetAttributeAsync("lang")).ShouldBe("ar");
        (await page.Locator("#report .badge").First.InnerTextAsync()).ShouldBe("مُستلم");
        (await page.Locator("#category option[value=pothole]").TextContentAsync()).ShouldBe("حفرة في الطريق");
        var (map, side) = (await page.Locator("#map").BoundingBoxAsync(), await page.Locator("#side").BoundingBoxAsync());
        side.ShouldNotBeNull().X.ShouldBeLessThan(map.ShouldNotBeNull().X);
        await CheckAccessibilityAsync(page);

        await page.GetByRole(AriaRole.Link, new() { Name = "English" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Back to the list" }).WaitForAsync();
        (await page.Locator("html").GetAttributeAsync("dir")).ShouldBe("ltr");
        page.Url.ShouldEndWith($"?lang=en#report={id}");
        errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Reports_at_one_place_are_a_cluster_and_one_report_shows_its_photos_and_comments()
    {
        var place = Place();
        await ReportAsync("The first", place);
        var id = await ReportAsync("The second", place);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();
        var page = await NewPageAsync(browser, "en-GB");
        var errors = page.CollectErrors();
        using var anonymous = system.Anonymous();
        var report = (await anonymous.GetStringAsync($"/api/v1/reports/{id}", Cancel))
            .Replace("\"photos\":0", "\"photos\":1", StringComparison.Ordinal).Replace("\"comments\":0", "\"comments\":1", StringComparison.Ordinal);
        var image = Convert.FromBase64String("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs=");
        await page.RouteAsync($"**/api/v1/reports/{id}", route => route.FulfillAsync(new() { ContentType = "application/json", Body = report }));
        await page.RouteAsync($"**/api/v1/reports/{id}/photos", route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = JsonSerializer.Serialize(new { items = new[] { new { id, url = $"/api/v1/reports/{id}/photos/{id}" } } }),
        }));
        await page.RouteAsync($"**/api/v1/reports/{id}/photos/*", route => route.FulfillAsync(new() { ContentType = "image/gif", BodyBytes = image }));
        await page.RouteAsync($"**/api/v1/reports/{id}/comments?*", route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = """{"items":[{"text":"<b>A crew</b> is on its way.","by_staff":true,"created_at":"2026-11-29T10:00:00Z"}]}""",
        }));
        await page.RouteAsync($"**/api/v1/reports/{id}/history?*", route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = """
                {"items":[{"kind":"routed","to":"submitted","at":"2026-11-29T10:00:00Z","details":{"agency":{"name":{"en":"Water works","ar":"المياه"}}}},
                {"kind":"work_order","to":"submitted","at":"2026-11-29T10:00:00Z","details":{"event":"added"}},
                {"kind":"visit","to":"in_progress","at":"2026-11-29T10:00:00Z","details":{"event":"scheduled","starts_at":"2026-12-01T08:00:00Z","ends_at":"2026-12-01T10:00:00Z"}}]}
                """,
        }));

        await page.GotoAsync(AddressOf($"/map#report={id}"));
        var photo = page.GetByRole(AriaRole.Img, new() { Name = "Photo 1 of 1" });
        await photo.WaitForAsync();
        await Eventually.TrueAsync(async () => await photo.EvaluateAsync<bool>("photo => photo.naturalWidth === 1"), "the loaded photo");
        await page.GetByText("<b>A crew</b> is on its way.").WaitForAsync();
        (await page.Locator(".timeline .badge").AllInnerTextsAsync()).Select(words => words.Split(": 1 Dec")[0]).ShouldBe(["Responsible: Water works", "Work planned", "Visit planned"]);

        await page.Keyboard.PressAsync("Escape");
        await page.GetByRole(AriaRole.Status).GetByText("2 reports here").WaitForAsync();
        var zoomIn = page.GetByRole(AriaRole.Button, new() { Name = "Zoom in", Exact = true });
        var cluster = page.GetByRole(AriaRole.Button, new() { Name = "2 reports. Zoom in." });
        while (await zoomIn.GetAttributeAsync("aria-disabled") == "false")
        {
            await cluster.PressAsync("Enter");
            await page.Locator("#map[aria-busy=false]").WaitForAsync();
        }

        await Eventually.TrueAsync(
            async () =>
            {
                await cluster.PressAsync("Enter"); // again, if the map has just drawn its markers anew
                return await page.Locator("#list-title:focus").CountAsync() == 1;
            },
            "the focus on the list");
        errors.ShouldBeEmpty();
    }

    /// <summary>A place of its own in the Pacific, so that other tests' reports are far away.</summary>
    private static (double Latitude, double Longitude) Place() =>
        (Math.Round(-50 + (Random.Shared.NextDouble() * 40), 5), Math.Round(-150 + (Random.Shared.NextDouble() * 50), 5));

    private async Task<Guid> ReportAsync(string title, (double Latitude, double Longitude) place)
    {
        var user = await system.RegisterAsync();
        using var response = await user.Client.PostAsJsonAsync(
            "/api/v1/reports", new { title, description = "In the right lane.", category = "pothole", latitude = place.Latitude, longitude = place.Longitude }, Cancel);
        return (await response.JsonAsync(201)).GetProperty("id").GetGuid();
    }

    /// <summary>A page whose tile server is the test.</summary>
    private static async Task<IPage> NewPageAsync(IBrowser browser, string locale)
    {
        var page = await browser.OpenPageAsync(new() { Locale = locale, ReducedMotion = ReducedMotion.Reduce });
        const string Tile = "<svg xmlns='http://www.w3.org/2000/svg' width='256' height='256'/>";
        await page.RouteAsync("https://tile.openstreetmap.org/**", route => route.FulfillAsync(new() { ContentType = "image/svg+xml", Body = Tile }));
        return page;
    }

    private string AddressOf(string path)
    {
        using var anonymous = system.Anonymous();
        return new Uri(anonymous.BaseAddress.ShouldNotBeNull(), path).ToString();
    }

    private static Task FocusIsOnAsync(IPage page, string id) =>
        page.Locator($"#{id}:focus").WaitForAsync();

    /// <summary>Checks the rules of WCAG that a program can check: https://github.com/dequelabs/axe-core.</summary>
    private static async Task CheckAccessibilityAsync(IPage page)
    {
        var script = Path.Combine(Repository.Root, "eng/map/node_modules/axe-core/axe.min.js");
        File.Exists(script).ShouldBeTrue("./kashif test installs the tools; so does npm ci in eng/map.");
        await page.EvaluateAsync(await File.ReadAllTextAsync(script, Cancel));
        var violations = await page.EvaluateAsync<string[]>(
            "async () => (await axe.run()).violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html} ${node.failureSummary}`))");
        violations.ShouldBeEmpty(string.Create(CultureInfo.InvariantCulture, $"{violations.Length} violations"));
    }
}
