using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>The features of the README through the whole system: reports, points, coupons, notifications.</summary>
public sealed class JourneyTests(KashifSystem system)
{
    [Fact]
    public async Task A_report_earns_points_that_buy_a_coupon_with_notifications_of_each_step()
    {
        var citizen = await system.RegisterAsync();
        using var admin = (await system.AdminAsync()).Client;

        var report = await citizen.ReportAsync();
        await citizen.WaitForPointsAsync(10);

        await ChangeStatusAsync(admin, report, "verified");
        await ChangeStatusAsync(admin, report, "in_progress");
        await ChangeStatusAsync(admin, report, "resolved");
        await citizen.WaitForPointsAsync(65);

        var coupon = await system.CreateCouponAsync(stock: 5, pointsCost: 50);
        var redemption = await citizen.RedeemAndWaitAsync(coupon);
        redemption.GetProperty("code").GetString().ShouldNotBeNullOrEmpty();
        redemption.GetProperty("points_spent").GetInt32().ShouldBe(50);
        await citizen.WaitForPointsAsync(15);

        // Welcome, report, three changes of status, three awards, two achievements, one coupon.
        await Eventually.TrueAsync(async () => await UnreadAsync(citizen) == 11, "eleven notifications");
        var notifications = await ItemsAsync(citizen, "/api/v1/notifications");
        notifications.Select(item => item.GetProperty("type").GetString()).Distinct().Order().ShouldBe(
            ["achievement.unlocked", "coupon.redeemed", "points.awarded", "report.created", "report.status_updated", "user.registered"]);

        using var read = await citizen.Client.PatchAsync($"/api/v1/notifications/{notifications[0].GetProperty("id").GetGuid()}/read", null);
        read.IsSuccessStatusCode.ShouldBeTrue();
        (await UnreadAsync(citizen)).ShouldBe(10);

        var transactions = await ItemsAsync(citizen, "/api/v1/gamification/transactions/me");
        transactions.Select(item => item.GetProperty("points").GetInt32()).Order().ShouldBe([-50, 5, 10, 50]);
        var mine = await ItemsAsync(citizen, "/api/v1/reports/my-reports");
        mine.ShouldHaveSingleItem().GetProperty("status").GetString().ShouldBe("resolved");
        (await ItemsAsync(citizen, "/api/v1/coupons/redemptions/me")).ShouldHaveSingleItem();
        var history = await ItemsAsync(citizen, $"/api/v1/reports/{report}/history");
        history.Count.ShouldBeGreaterThanOrEqualTo(3);
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task A_partner_creates_a_quest_for_its_company_until_it_is_removed()
    {
        var partner = await system.RegisterAsync(Roles.Partner);
        using var admin = (await system.AdminAsync()).Client;
        var (name, ends) = ($"Company {Guid.CreateVersion7()}", TimeProvider.System.GetUtcNow().AddDays(2));
        using var created = await admin.PostAsJsonAsync("/api/v1/coupons/companies", new { name, description = "Cakes" });
        var company = (await created.JsonAsync(201)).GetProperty("id").GetInt32();
        using var added = await admin.PutAsync($"/api/v1/coupons/companies/{company}/partners/{partner.Id}", null);
        added.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        var budget = 0;
        await Eventually.TrueAsync(
            async () =>
            {
                using var response = await partner.Client.PostAsJsonAsync("/api/v1/gamification/budgets", new { name, company_id = company, ends_at = ends });
                budget = response.IsSuccessStatusCode ? (await response.JsonAsync(201)).GetProperty("id").GetInt32() : 0;
                return budget > 0;
            },
            "the partner in Gamification");
        using var offered = await partner.Client.PostAsJsonAsync(
            "/api/v1/gamification/quests",
            new { title_en = "One report", title_ar = "بلاغ واحد", @event = "report.created", count = 1, reward_points = 5, budget_id = budget, ends_at = ends.AddDays(-1) });
        var quest = (await offered.JsonAsync(201)).GetProperty("id").GetInt32();

        using var removed = await admin.DeleteAsync($"/api/v1/coupons/companies/{company}/partners/{partner.Id}");
        removed.StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(
            async () =>
            {
                using var refused = await partner.Client.PatchAsJsonAsync($"/api/v1/gamification/quests/{quest}", new { title_en = "Later" });
                return refused.StatusCode == HttpStatusCode.NotFound;
            },
            "the removal in Gamification");
    }

    [Fact]
    public async Task Alerts_and_the_assistant_tell_a_user_about_their_own_data()
    {
        var citizen = await system.RegisterAsync();
        var neighbour = await system.RegisterAsync();
        var watched = await system.CreateCouponAsync(stock: 5, pointsCost: 5);
        foreach (var alert in new object[] { new { kind = "balance", threshold = 10 }, new { kind = "score", threshold = 60 }, new { kind = "report_overdue" }, new { kind = "coupon", coupon_id = watched } })
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    using var created = await citizen.Client.PostAsJsonAsync("/api/v1/notifications/alerts", alert);
                    created.StatusCode.ShouldBeOneOf(HttpStatusCode.Created, HttpStatusCode.ServiceUnavailable); // Coupons has two seconds to answer
                    return created.StatusCode is HttpStatusCode.Created;
                },
                "the alert");
        }

        using var place = await neighbour.Client.PostAsJsonAsync(
            "/api/v1/notifications/alerts", new { kind = "report_near", latitude = 33.5, longitude = 36.3, radius_km = 20, category = "pothole" });
        place.StatusCode.ShouldBe(HttpStatusCode.Created);

        var report = await citizen.ReportAsync("A hole by the school");
        await Eventually.TrueAsync(async () => (await AlertsAsync(citizen)).Contains("Your balance has reached 10"), "the alert of the balance");
        await Eventually.TrueAsync(async () => (await AlertsAsync(neighbour)).Contains("New report near your place"), "the alert of the report");
        (await AlertsAsync(citizen)).ShouldNotContain("New report near your place");

        var status = await AskAsync(citizen, "Where is my report about the hole?");
        status.GetProperty("reply").GetString().ShouldNotBeNull().ShouldStartWith("“A hole by the school” is submitted since ");
        status.GetProperty("sources")[0].GetString().ShouldBe($"/api/v1/reports/{report}");
        (await AskAsync(citizen, "كم نقطة لدي؟")).GetProperty("reply").GetString().ShouldNotBeNull().ShouldStartWith("رصيدك 10 نقاط.");
        (await AskAsync(citizen, "Which coupons can I afford?")).GetProperty("intent").GetString().ShouldBe("how_to_redeem");
        (await AskAsync(citizen, "Is anything overdue?")).GetProperty("reply").GetString().ShouldNotBeNull().ShouldContain("is to be resolved by");
        (await AskAsync(neighbour, "Where is my report?")).GetProperty("reply").GetString().ShouldBe("You have no reports yet.");
        (await ItemsAsync(citizen, "/api/v1/notifications/assistant/messages")).Count.ShouldBe(4);

        using var admin = (await system.AdminAsync()).Client;
        await ChangeStatusAsync(admin, report, "verified");
        await Eventually.TrueAsync(async () => (await AlertsAsync(citizen)).Contains("Your trust score has reached 60"), "the alert of the score");
        var next = await citizen.ReportAsync();
        await Eventually.TrueAsync(
            async () => (await admin.GetFromJsonAsync<JsonElement>("/api/v1/reports/moderation-queue?limit=100")).GetProperty("items").EnumerateArray()
                .Any(item => item.GetProperty("report").GetProperty("id").GetGuid() == next && item.GetProperty("reporter_score").GetDouble() == 62),
            "the score in the moderation queue");

        static async Task<JsonElement> AskAsync(User user, string text)
        {
            using var asked = await user.Client.PostAsJsonAsync("/api/v1/notifications/assistant/messages", new { text });
            return await asked.JsonAsync(200);
        }

        static async Task<string?[]> AlertsAsync(User user) =>
            [.. (await ItemsAsync(user, "/api/v1/notifications")).Where(item => item.GetProperty("type").GetString() == "alert").Select(item => item.GetProperty("title").GetString())];
    }

    [Theory]
    [InlineData("auth/.well-known/jwks.json")]
    [InlineData("auth/.well-known/openid-configuration")]
    [InlineData("reports")]
    [InlineData("reports/categories")]
    [InlineData("gamification/leaderboard")]
    [InlineData("gamification/quests")]
    [InlineData("coupons")]
    [InlineData("coupons/companies")]
    [InlineData("coupons/categories")]
    public async Task Public_reads_work_under_both_prefixes(string path)
    {
        using var client = system.Anonymous();

        using var canonical = await client.GetAsync($"/api/v1/{path}");
        using var alias = await client.GetAsync($"/api/{path}/");

        canonical.StatusCode.ShouldBe(HttpStatusCode.OK);
        canonical.Headers.Contains("Deprecation").ShouldBeFalse();
        alias.StatusCode.ShouldBe(HttpStatusCode.OK);
        alias.Headers.Contains("Deprecation").ShouldBeTrue();
        alias.Headers.GetValues("Link").ShouldContain(link => link.Contains("successor-version"));
    }

    [Theory]
    [InlineData("auth")]
    [InlineData("reports")]
    [InlineData("gamification")]
    [InlineData("coupons")]
    [InlineData("notifications")]
    public async Task Each_services_health_is_available_through_the_gateway(string area)
    {
        foreach (var prefix in (string[])["/api/v1/", "/api/"])
        {
            await system.HealthyAsync($"{prefix}{area}/health");
        }
    }

    [Theory]
    [InlineData("auth/me")]
    [InlineData("reports/my-reports")]
    [InlineData("gamification/points/me")]
    [InlineData("gamification/transactions/me")]
    [InlineData("coupons/redemptions/me")]
    [InlineData("notifications")]
    [InlineData("notifications/unread-count")]
    public async Task Personal_reads_require_a_token_under_both_prefixes(string path)
    {
        var user = await system.RegisterAsync();
        using var anonymous = system.Anonymous();

        foreach (var prefix in (string[])["/api/v1/", "/api/"])
        {
            using var refused = await anonymous.GetAsync(prefix + path);
            using var allowed = await user.Client.GetAsync(prefix + path);

            refused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (refused.Content.Headers.ContentType?.MediaType).ShouldBe("application/problem+json");
            allowed.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Twenty_concurrent_posts_with_one_key_create_one_report()
    {
        var user = await system.RegisterAsync();

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => user.PostReportAsync("Posted twenty times", "the-one-key")));

        responses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.Created || response.StatusCode == HttpStatusCode.Conflict);
        (await ItemsAsync(user, "/api/v1/reports/my-reports")).ShouldHaveSingleItem();
        await user.WaitForPointsAsync(10);
    }

    [Fact]
    public async Task Reusing_a_refresh_token_revokes_its_family()
    {
        var user = await system.RegisterAsync();
        using var anonymous = system.Anonymous();

        using var first = await RefreshAsync(user.RefreshToken);
        var rotated = (await first.JsonAsync(200)).GetProperty("refresh_token").GetString() ?? "";
        using var reused = await RefreshAsync(user.RefreshToken);
        using var child = await RefreshAsync(rotated);

        reused.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        child.StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        Task<HttpResponseMessage> RefreshAsync(string token) => anonymous.PostAsJsonAsync("/api/v1/auth/refresh", new { refresh_token = token });
    }

    [Fact]
    public async Task The_gateway_serves_the_health_and_the_documents_of_all_services()
    {
        using var client = system.Anonymous();

        await system.HealthyAsync("/health");
        using var docs = await client.GetAsync("/docs");
        var page = await docs.Content.ReadAsStringAsync();

        docs.StatusCode.ShouldBe(HttpStatusCode.OK);
        page.ShouldContain("swagger", Case.Insensitive);
        foreach (var service in (string[])[ResourceNames.Auth, "reports", ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications])
        {
            var document = await client.GetFromJsonAsync<JsonElement>($"/openapi/{service}.json");
            document.GetProperty("paths").EnumerateObject().ShouldNotBeEmpty();
        }
    }

    [Fact]
    public async Task Internal_endpoints_return_404_through_the_gateway()
    {
        var user = await system.RegisterAsync();

        foreach (var path in (string[])["/internal/v1/debits/0198f0a0-1111-7000-8000-000000000001", "/api/v1/gamification/../../../internal/v1/debits/0198f0a0-1111-7000-8000-000000000001"])
        {
            using var response = await user.Client.PutAsJsonAsync(path, new { user_id = user.Id, points = 1, coupon_id = 1 });
            response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }
    }

    private static async Task ChangeStatusAsync(HttpClient staff, Guid report, string status)
    {
        using var response = await staff.PatchAsJsonAsync($"/api/v1/reports/{report}/status", new { status, comment = "Looked at it." });
        await response.JsonAsync(200);
    }

    private static async Task<int> UnreadAsync(User user) =>
        (await user.Client.GetFromJsonAsync<JsonElement>("/api/v1/notifications/unread-count")).EnumerateObject().First().Value.GetInt32();

    private static async Task<List<JsonElement>> ItemsAsync(User user, string path) =>
        [.. (await user.Client.GetFromJsonAsync<JsonElement>(path)).GetProperty("items").EnumerateArray()];
}
