using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Somebody wants to be forgotten by all of Kashif, or to see what it knows.</summary>
public sealed class DeletionTests(KashifSystem system)
{
    private static readonly string[] Databases =
        [ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb, ResourceNames.NotificationsDb];

    [Fact]
    public async Task A_deleted_person_is_in_no_table_of_any_service()
    {
        var person = await system.RegisterAsync();
        for (var report = 0; report < 4; report++)
        {
            await person.ReportAsync(idempotencyKey: $"report-{report}");
        }

        await person.PointsReachAsync(40);
        await person.RedeemToTheEndAsync(await system.CreateCouponAsync(stock: 5, pointsCost: 30));
        using var device = await person.Client.PostAsJsonAsync("/api/v1/notifications/register-device", new { token = $"device of {person.Id}", device_type = "android" });
        device.IsSuccessStatusCode.ShouldBeTrue();
        await Eventually.TrueAsync(async () => (await person.Client.GetFromJsonAsync<JsonElement>("/api/v1/notifications/unread-count"))
            .GetProperty("unread_count").GetInt32() >= 10, "the notifications");
        var me = await person.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me");
        var email = me.GetProperty("email").GetString().ShouldNotBeNull();

        var export = await person.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me/export");
        export.GetProperty("account").GetProperty("email").GetString().ShouldBe(email);
        export.GetProperty("reporting").GetProperty("reports").GetArrayLength().ShouldBe(4);
        export.GetProperty("gamification").GetProperty("transactions").GetArrayLength().ShouldBe(5);
        export.GetProperty("coupons").GetProperty("redemptions").GetArrayLength().ShouldBe(1);
        export.GetProperty("notifications").GetProperty("notifications").GetArrayLength().ShouldBeGreaterThanOrEqualTo(10);
        foreach (var database in Databases)
        {
            (await WhereAsync(database, person.Id.ToString())).ShouldNotBeEmpty(database);
        }

        // One of them is away when the wish comes.
        await system.KillAsync(ResourceNames.Gamification);
        using var asked = await person.Client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me")
        {
            Content = JsonContent.Create(new { password = "a perfectly good password" }),
        });
        asked.StatusCode.ShouldBe(HttpStatusCode.Accepted, await asked.Content.ReadAsStringAsync());
        var location = asked.Headers.Location.ShouldNotBeNull();
        await Eventually.TrueAsync(async () => (await ConfirmedAsync(location)).Length == 3, "the receipts of those who are there");
        (await ConfirmedAsync(location)).ShouldNotContain(ResourceNames.Gamification);
        await system.StartHealthyAsync(ResourceNames.Gamification);
        await Eventually.TrueAsync(async () => (await ConfirmedAsync(location)).Length == 4, "all receipts");

        foreach (var database in Databases)
        {
            string[] kept = database == ResourceNames.AuthDb ? ["account_deletions", "audit_log"] : [];
            IReadOnlyList<string> found = [];
            await Eventually.TrueAsync(
                async () => !(found = await WhereAsync(database, person.Id.ToString())).Except(kept).Any(), $"{database} to forget the id");
            (await WhereAsync(database, email)).ShouldBeEmpty(database);
        }

        (await person.Client.GetAsync("/api/v1/auth/me")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await system.CountAsync(ResourceNames.GamificationDb, """
            SELECT count(*) FROM balances b FULL JOIN (SELECT user_id, sum(points) AS points FROM point_transactions GROUP BY user_id) t ON t.user_id = b.user_id
            WHERE b.points IS DISTINCT FROM t.points
            """)).ShouldBe(0);
    }

    [Fact]
    public async Task A_program_uses_a_key_until_it_is_revoked()
    {
        var person = await system.RegisterAsync();
        using var made = await person.Client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "A kiosk", scopes = new[] { "reporting:read", "auth:read" } });
        var key = await made.JsonAsync(201);
        using var program = system.Anonymous();
        program.DefaultRequestHeaders.Add("X-Api-Key", key.GetProperty("key").GetString());

        (await program.GetFromJsonAsync<JsonElement>("/api/v1/auth/me")).GetProperty("id").GetGuid().ShouldBe(person.Id);
        (await program.GetAsync("/api/v1/reports/my-reports")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await program.GetAsync("/api/v1/gamification/points/me")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await program.DeleteAsync($"/api/v1/auth/api-keys/{key.GetProperty("id").GetGuid()}")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        (await person.Client.DeleteAsync($"/api/v1/auth/api-keys/{key.GetProperty("id").GetGuid()}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(async () => (await program.GetAsync("/api/v1/reports/my-reports")).StatusCode == HttpStatusCode.Unauthorized, "the end of the key");
    }

    private async Task<string[]> ConfirmedAsync(Uri deletion)
    {
        using var anonymous = system.Anonymous();
        var state = await anonymous.GetFromJsonAsync<JsonElement>(deletion);
        return
        [
            .. state.GetProperty("services").EnumerateArray()
                .Where(service => service.GetProperty("erased_at").ValueKind is JsonValueKind.String)
                .Select(service => service.GetProperty("service").GetString() ?? ""),
        ];
    }

    private async Task<IReadOnlyList<string>> WhereAsync(string database, string text) => await DatabaseScan.TablesWithAsync(
        await system.Application.GetConnectionStringAsync(database) ?? throw new InvalidOperationException($"'{database}' has no connection string."), text);
}
