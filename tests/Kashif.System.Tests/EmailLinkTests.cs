using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kashif.Testing;
using Microsoft.Playwright;

namespace Kashif.SystemTests;

/// <summary>Follows the links of real mails in a browser, to the pages of the gateway.</summary>
public sealed class EmailLinkTests(KashifSystem system)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_link_verifies_the_address_once()
    {
        var (_, email) = await RegisterAsync();
        var link = await LinkAsync("verify-email", email);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();

        var page = await OpenAsync(browser, link, "en-GB");
        await page.GetByRole(AriaRole.Heading, new() { Name = "Verify your e-mail address" }).WaitForAsync();
        page.Url.ShouldNotContain("token");
        await page.GetByLabel("The password of your account").FillAsync("not this one");
        await page.GetByRole(AriaRole.Button, new() { Name = "Verify" }).ClickAsync();
        await page.GetByText("The password is wrong").WaitForAsync();
        await page.GetByLabel("The password of your account").FillAsync(KashifSystem.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Verify" }).ClickAsync();
        await page.GetByText("Your e-mail address is verified.").WaitForAsync();
        (await system.CountAsync(ResourceNames.AuthDb, "SELECT count(*) FROM users WHERE email = $1 AND email_confirmed", email)).ShouldBe(1);

        var again = await OpenAsync(browser, link, "ar-SY");
        (await again.Locator("html").GetAttributeAsync("dir")).ShouldBe("rtl");
        await again.GetByLabel("كلمة مرور حسابك").FillAsync(KashifSystem.Password);
        await again.GetByRole(AriaRole.Button, new() { Name = "تأكيد" }).ClickAsync();
        await again.GetByText("هذا الرابط غير صالح").WaitForAsync();
    }

    [Fact]
    public async Task A_link_sets_a_new_password()
    {
        const string NewPassword = "another perfectly good one";
        var (client, email) = await RegisterAsync();
        using var forgot = await client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, Cancel);
        forgot.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var link = await LinkAsync("reset-password", email);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();

        var page = await OpenAsync(browser, link, "en-GB");
        await page.GetByLabel("New password").FillAsync("12345678");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await page.GetByText("This password is too common.").WaitForAsync();
        await page.GetByLabel("New password").FillAsync(NewPassword);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await page.GetByText("Your new password is saved.").WaitForAsync();

        using var anonymous = system.Anonymous();
        using var form = new FormUrlEncodedContent([new("username", email), new("password", NewPassword)]);
        using var signedIn = await anonymous.PostAsync("/api/v1/auth/token", form, Cancel);
        signedIn.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_link_takes_over_an_account_with_all_that_customer_service_filed()
    {
        const string Customers = "/api/v1/auth/customers";
        var email = $"customer-{Guid.CreateVersion7():N}@kashif.test";
        using var clerk = (await system.RegisterAsync(Security.Roles.Counter)).Client;
        using var created = await clerk.PostAsJsonAsync(Customers, new { full_name = "Amina Haddad", language = "en", phone = "+963 11 123 4567" }, Cancel);
        var customer = (await created.JsonAsync(201)).GetProperty("id").GetGuid();
        using var filed = await clerk.PostAsJsonAsync(
            "/api/v1/reports", new { title = "A deep pothole", description = "By phone.", category = "pothole", latitude = 33.51, longitude = 36.29, on_behalf_of = customer }, Cancel);
        var report = (await filed.JsonAsync(201)).GetProperty("id").GetGuid();
        using var invited = await clerk.PostAsJsonAsync($"{Customers}/{customer}/invite", new { email }, Cancel);
        invited.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        var link = await LinkAsync("take-over", email);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();

        var page = await OpenAsync(browser, link, "en-GB");
        await page.GetByLabel("New password").FillAsync("12345678");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await page.GetByText("This password is too common.").WaitForAsync();
        await page.GetByLabel("New password").FillAsync(KashifSystem.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await page.GetByText("The account is yours.").WaitForAsync();

        var person = await system.SignInAsync(email, KashifSystem.Password, customer);
        await person.WaitForPointsAsync(10);
        var own = await person.Client.GetFromJsonAsync<JsonElement>("/api/v1/reports/my-reports", Cancel);
        own.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetGuid()).ShouldBe([report]);
        await Eventually.TrueAsync(
            async () => (await person.Client.GetFromJsonAsync<JsonElement>("/api/v1/notifications", Cancel)).GetProperty("items").EnumerateArray()
                .Select(item => item.GetProperty("type").GetString()).Intersect(["report.created", "user.registered"]).Count() == 2,
            "the notifications of the report and of the welcome");

        // Taken over, it is no customer's account any more.
        using var late = await clerk.PostAsJsonAsync(
            "/api/v1/reports", new { title = "Another one", description = "", category = "pothole", latitude = 33.51, longitude = 36.29, on_behalf_of = customer }, Cancel);
        (await late.JsonAsync(422)).GetProperty("code").GetString().ShouldBe("unknown_customer");
    }

    [Theory]
    [InlineData("/verify-email")]
    [InlineData("/reset-password/")]
    [InlineData("/take-over")]
    public async Task A_link_without_its_token_says_so(string link)
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.LaunchChromiumAsync();

        var page = await OpenAsync(browser, link, "en-GB");

        await page.GetByText("This link is incomplete.").WaitForAsync();
        (await page.Locator("form").IsVisibleAsync()).ShouldBeFalse();
    }

    private async Task<(HttpClient Client, string Email)> RegisterAsync()
    {
        var client = (await system.RegisterAsync()).Client;
        return (client, (await client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me", Cancel)).GetProperty("email").GetString().ShouldNotBeNull());
    }

    private async Task<IPage> OpenAsync(IBrowser browser, string link, string locale)
    {
        using var anonymous = system.Anonymous();
        var page = await browser.OpenPageAsync(new BrowserNewPageOptions { Locale = locale });
        await page.GotoAsync(new Uri(anonymous.BaseAddress.ShouldNotBeNull(), link).ToString());
        return page;
    }

    /// <summary>Path and fragment of the link in a mail.</summary>
    private async Task<string> LinkAsync(string page, string email)
    {
        var link = "";
        await Eventually.TrueAsync(() => (link = Find()).Length > 0, "the mail");
        return link;

        string Find() => system.Mail.GetFiles("*.eml").Select(file => File.ReadAllText(file.FullName))
            .Where(text => text.Contains($"To: {email}", StringComparison.Ordinal))
            .SelectMany(text => text.Split("\r\n\r\n").Select(Decode))
            .Select(part => Regex.Match(part, $"/{page}#token=[A-Za-z0-9_-]{{43}}").Value)
            .FirstOrDefault(found => found.Length > 0, "");

        // Parts of a mail are encoded as Base64 or quoted-printable.
        static string Decode(string part)
        {
            var text = part.Split("\r\n--")[0];
            var bytes = new byte[text.Length];
            return Convert.TryFromBase64String(text, bytes, out var length)
                ? Encoding.UTF8.GetString(bytes, 0, length)
                : text.Replace("=\r\n", "", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        }
    }
}
