using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>The requests of Kashif's first description: <c>/api/{area}/…</c> with a trailing slash, and its own fields.</summary>
public sealed class AliasTests(KashifSystem system)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_call_of_the_first_description_works_as_written()
    {
        using var citizen = system.Anonymous();
        using var staff = (await system.RegisterAsync(Roles.Staff)).Client;

        // Auth.
        var email = $"alias-{Guid.CreateVersion7():N}@kashif.test";
        var registered = await CallAsync(citizen, HttpMethod.Post, "/api/auth/register/", 201, new { email, password = KashifSystem.Password, full_name = "A. Citizen" });
        using var form = new FormUrlEncodedContent([new("username", email), new("password", KashifSystem.Password)]);
        var token = await CallAsync(citizen, HttpMethod.Post, "/api/auth/token/", 200, form);
        token.GetProperty("token_type").GetString().ShouldBe("bearer");
        citizen.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.GetProperty("access_token").GetString());
        var user = registered.GetProperty("id").GetGuid();
        (await GetAsync(citizen, "/api/auth/me/")).GetProperty("id").GetGuid().ShouldBe(user);

        // Reports.
        var report = await CallAsync(citizen, HttpMethod.Post, "/api/reports/", 201, new
        {
            title = "Street Damage",
            description = "Large pothole on Main Street",
            category = "road_damage",
            latitude = 33.5138,
            longitude = 36.2765,
        });
        var reportId = report.GetProperty("id").GetGuid();
        report.GetProperty("status").GetString().ShouldBe("submitted");
        await Eventually.TrueAsync(async () => Ids(await GetAsync(citizen, "/api/reports/?category=road_damage")).Contains($"{reportId}"), "the report in the list");
        await Eventually.TrueAsync(
            async () => Ids(await GetAsync(citizen, "/api/reports/?latitude=33.5138&longitude=36.2765&radius_km=1&category=road_damage")).Contains($"{reportId}"), "the report near its place");
        Ids(await GetAsync(citizen, "/api/reports/my-reports/")).ShouldBe([$"{reportId}"]);
        (await GetAsync(citizen, $"/api/reports/{reportId}/")).GetProperty("title").GetString().ShouldBe("Street Damage");
        foreach (var refused in new[]
        {
            await CallAsync(citizen, HttpMethod.Get, "/api/reports/?category=unknown", 400),
            await CallAsync(citizen, HttpMethod.Post, "/api/reports/", 400, new { title = "A title", description = "A description", category = "unknown", latitude = 33.5, longitude = 36.3 }),
        })
        {
            refused.GetProperty("errors").GetProperty("category").ToString().ShouldContain("road_damage");
        }

        await CallAsync(citizen, HttpMethod.Patch, $"/api/reports/{reportId}/status/", 403, new { status = "in_progress" });
        var started = await CallAsync(staff, HttpMethod.Patch, $"/api/reports/{reportId}/status/", 200, new { status = "in_progress", comment = "A crew is on its way." });
        started.GetProperty("status").GetString().ShouldBe("in_progress");
        var history = (await GetAsync(citizen, $"/api/reports/{reportId}/history/")).GetProperty("items").EnumerateArray();
        history.Select(entry => entry.GetProperty("to").GetString()).ShouldBe(["submitted", "verified", "in_progress"]);

        // Gamification: 10 points for the report, 5 for its verification.
        await Eventually.TrueAsync(async () => (await GetAsync(citizen, "/api/gamification/points/me/")).GetProperty("points").GetInt32() == 15, "15 points");
        await Eventually.TrueAsync(async () => (await GetAsync(citizen, $"/api/gamification/points/{user}/")).GetProperty("points").GetInt32() == 15, "15 public points");
        var leaders = new List<JsonElement>();
        await Eventually.TrueAsync(
            async () => (leaders = Items(await GetAsync(citizen, "/api/gamification/leaderboard/?limit=1"))) is [var first] && first.GetProperty("points").GetInt64() >= 15, "the leader");
        leaders[0].GetProperty("rank").GetInt32().ShouldBe(1);
        Items(await GetAsync(citizen, "/api/gamification/transactions/me/")).Count.ShouldBe(2);

        // Coupons.
        var coupon = await system.CreateCouponAsync(stock: 3, pointsCost: 10);
        await Eventually.TrueAsync(async () => Ids(await GetAsync(citizen, "/api/coupons/?limit=100")).Contains($"{coupon}"), "the coupon in the list");
        (await GetAsync(citizen, $"/api/coupons/{coupon}/")).GetProperty("points_cost").GetInt32().ShouldBe(10);
        Items(await GetAsync(citizen, "/api/coupons/companies/")).ShouldNotBeEmpty();
        Items(await GetAsync(citizen, "/api/coupons/categories/")).ShouldNotBeEmpty();
        using var redeemed = await citizen.PostAsync($"/api/coupons/{coupon}/redeem/", content: null, Cancel);
        var redemption = await redeemed.JsonAsync(redeemed.StatusCode is HttpStatusCode.Accepted ? 202 : 201); // 202 while Gamification recovers from another test
        await Eventually.TrueAsync(
            async () => (redemption = await GetAsync(citizen, $"/api/coupons/redemptions/{redemption.GetProperty("id").GetGuid()}/")).GetProperty("status").GetString() == "completed",
            "the completed redemption");
        redemption.GetProperty("code").GetString().ShouldNotBeNullOrEmpty();
        Ids(await GetAsync(citizen, "/api/coupons/redemptions/me/")).ShouldBe([redemption.GetProperty("id").GetString()]);
        var cheap = await system.CreateCouponAsync(stock: 3, pointsCost: 5);
        using var spent = await citizen.PostAsJsonAsync("/api/gamification/points/redeem/", new { points = 5, coupon_id = cheap }, Cancel);
        await spent.JsonAsync(spent.StatusCode is HttpStatusCode.Accepted ? 202 : 201);
        await Eventually.TrueAsync(async () => (await GetAsync(citizen, "/api/gamification/points/me/")).GetProperty("points").GetInt32() == 0, "the debit");

        // Notifications: a welcome, the report, two changes of its status, two awards, an achievement, two coupons.
        var device = $"device-{Guid.CreateVersion7():N}";
        await CallAsync(citizen, HttpMethod.Post, "/api/notifications/register-device/", 201, new { token = device, device_type = "android" });
        await CallAsync(citizen, HttpMethod.Delete, $"/api/notifications/devices/{device}/", 204);
        await Eventually.TrueAsync(async () => Items(await GetAsync(citizen, "/api/notifications/")).Count == 9, "nine notifications");
        var newest = Ids(await GetAsync(citizen, "/api/notifications/?unread_only=true&limit=1")).ShouldHaveSingleItem();
        await CallAsync(citizen, HttpMethod.Patch, $"/api/notifications/{newest}/read/", 200);
        (await GetAsync(citizen, "/api/notifications/unread-count/")).GetProperty("unread_count").GetInt32().ShouldBe(8);
    }

    private static Task<JsonElement> GetAsync(HttpClient client, string path) => CallAsync(client, HttpMethod.Get, path, 200);

    private static async Task<JsonElement> CallAsync(HttpClient client, HttpMethod method, string path, int status, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body as HttpContent ?? (body is null ? null : JsonContent.Create(body)) };
        using var response = await client.SendAsync(request, Cancel);
        response.Headers.Contains("Deprecation").ShouldBeTrue(path);
        var text = await response.Content.ReadAsStringAsync(Cancel);
        ((int)response.StatusCode).ShouldBe(status, $"{method} {path}: {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }

    private static List<JsonElement> Items(JsonElement list) => [.. list.GetProperty("items").EnumerateArray()];

    private static List<string?> Ids(JsonElement list) => Items(list).ConvertAll(item => (string?)item.GetProperty("id").ToString());
}
