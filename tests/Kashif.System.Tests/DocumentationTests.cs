using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Testing;
using Microsoft.Playwright;

namespace Kashif.SystemTests;

/// <summary>Uses <c>/docs</c> in a real browser like a developer who tries the API.</summary>
public sealed class DocumentationTests(KashifSystem system)
{
    private const string OtherHost = "kashif.test";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("localhost")]
    [InlineData(OtherHost)]
    public async Task A_user_can_sign_in_and_try_a_call(string host)
    {
        var user = await system.RegisterAsync();
        var email = (await user.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me", Cancel)).GetProperty("email").GetString() ?? "";
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync($"--host-resolver-rules=MAP {OtherHost} 127.0.0.1");
        var page = await browser.OpenPageAsync();
        var errors = page.CollectErrors();
        using var anonymous = system.Anonymous();
        var gateway = new UriBuilder(anonymous.BaseAddress ?? throw new InvalidOperationException("No address.")) { Host = host }.Uri;

        await page.GotoAsync(new Uri(gateway, "/docs").ToString());
        await page.Locator(".opblock-summary-path[data-path='/api/v1/auth/me']").First.WaitForAsync();

        await page.Locator(".btn.authorize").First.ClickAsync();
        await page.Locator("#oauth_username").FillAsync(email);
        await page.Locator("#oauth_password").FillAsync(KashifSystem.Password);
        await page.Locator(".auth-container:has(#oauth_username) button.authorize").ClickAsync();
        await page.Locator(".auth-container button:has-text('Logout')").First.WaitForAsync();
        await page.Locator(".btn-done").First.ClickAsync();

        var (status, body) = await TryAsync(page, "/api/v1/auth/me");
        status.ShouldBe("200");
        var me = JsonSerializer.Deserialize<JsonElement>(body);
        me.GetProperty("id").GetGuid().ShouldBe(user.Id);
        me.GetProperty("email").GetString().ShouldBe(email);

        // Signing in once works for all services.
        await page.Locator("#select").SelectOptionAsync(new SelectOptionValue { Label = "Gamification" });
        await page.Locator(".opblock-summary-path[data-path='/api/v1/gamification/points/me']").First.WaitForAsync();
        var (pointsStatus, points) = await TryAsync(page, "/api/v1/gamification/points/me");
        pointsStatus.ShouldBe("200");
        JsonSerializer.Deserialize<JsonElement>(points).GetProperty("user_id").GetGuid().ShouldBe(user.Id);

        errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_page_shows_the_document_of_each_service()
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync($"--host-resolver-rules=MAP {OtherHost} 127.0.0.1");
        var page = await browser.OpenPageAsync();
        var errors = page.CollectErrors();
        using var anonymous = system.Anonymous();
        await page.GotoAsync(new Uri(anonymous.BaseAddress ?? throw new InvalidOperationException("No address."), "/docs").ToString());

        foreach (var (title, path) in new[]
        {
            ("Reporting", "/api/v1/reports/categories"), ("Gamification", "/api/v1/gamification/leaderboard"), ("Coupons", "/api/v1/coupons/companies"),
            ("Notifications", "/api/v1/notifications/unread-count"), ("Auth", "/api/v1/auth/register"),
        })
        {
            await page.Locator("#select").SelectOptionAsync(new SelectOptionValue { Label = title });
            await page.Locator($".opblock-summary-path[data-path='{path}']").First.WaitForAsync();
        }

        await page.Locator("#select").SelectOptionAsync(new SelectOptionValue { Label = "Reporting" });
        var (status, body) = await TryAsync(page, "/api/v1/reports/categories");
        status.ShouldBe("200");
        JsonSerializer.Deserialize<JsonElement>(body).GetProperty("items").GetArrayLength().ShouldBeGreaterThan(0);

        errors.ShouldBeEmpty();
    }

    /// <summary>Expands a GET operation, executes it and reads the displayed response.</summary>
    private static async Task<(string Status, string Body)> TryAsync(IPage page, string path)
    {
        var operation = page.Locator($".opblock-get:has(.opblock-summary-path[data-path='{path}'])");
        await operation.Locator(".opblock-summary-path").ClickAsync();
        var answered = page.WaitForResponseAsync(response => new Uri(response.Url).AbsolutePath == path);
        await operation.Locator(".btn.execute").ClickAsync();
        var response = await answered;
        new Uri(response.Url).Host.ShouldBe(new Uri(page.Url).Host);
        var status = await operation.Locator(".live-responses-table .response .response-col_status").First.InnerTextAsync();
        return (status.Trim(), await operation.Locator(".live-responses-table .response-col_description .highlight-code").First.Locator("code").InnerTextAsync());
    }
}
