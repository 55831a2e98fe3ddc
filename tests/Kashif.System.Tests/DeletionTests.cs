using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Deleting an account, exporting its data, and API keys, through the whole system.</summary>
public sealed class DeletionTests(KashifSystem system)
{
    private static readonly string[] Databases =
        [ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb, ResourceNames.NotificationsDb];

    [Fact]
    public async Task A_deleted_user_is_in_no_table_of_any_service()
    {
        var user = await system.RegisterAsync();
        for (var report = 0; report < 4; report++)
        {
            await user.ReportAsync(idempotencyKey: $"report-{report}");
        }

        await user.WaitForPointsAsync(40);
        await user.RedeemAndWaitAsync(await system.CreateCouponAsync(stock: 5, pointsCost: 30));
        using var device = await user.Client.PostAsJsonAsync("/api/v1/notifications/register-device", new { token = $"device of {user.Id}", device_type = "android" });
        device.IsSuccessStatusCode.ShouldBeTrue();
        await Eventually.TrueAsync(async () => (await user.Client.GetFromJsonAsync<JsonElement>("/api/v1/notifications/unread-count"))
            .GetProperty("unread_count").GetInt32() >= 10, "the notifications");
        var me = await user.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me");
        var email = me.GetProperty("email").GetString().ShouldNotBeNull();

        var export = await user.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me/export");
        export.GetProperty("account").GetProperty("email").GetString().ShouldBe(email);
        export.GetProperty("reporting").GetProperty("reports").GetArrayLength().ShouldBe(4);
        export.GetProperty("gamification").GetProperty("transactions").GetArrayLength().ShouldBe(5);
        export.GetProperty("coupons").GetProperty("redemptions").GetArrayLength().ShouldBe(1);
        export.GetProperty("notifications").GetProperty("notifications").GetArrayLength().ShouldBeGreaterThanOrEqualTo(10);
        foreach (var database in Databases)
        {
            (await TablesWithAsync(database, user.Id.ToString())).ShouldNotBeEmpty(database);
        }

        // One service is down when the deletion is requested.
        await system.KillAsync(ResourceNames.Gamification);
        using var deleted = await user.Client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/api/v1/auth/me")
        {
            Content = JsonContent.Create(new { password = "a perfectly good password" }),
        });
        deleted.StatusCode.ShouldBe(HttpStatusCode.Accepted, await deleted.Content.ReadAsStringAsync());
        var location = deleted.Headers.Location.ShouldNotBeNull();
        await Eventually.TrueAsync(async () => (await ConfirmedAsync(location)).Length == 3, "the receipts of the running services");
        (await ConfirmedAsync(location)).ShouldNotContain(ResourceNames.Gamification);
        await system.StartHealthyAsync(ResourceNames.Gamification);
        await Eventually.TrueAsync(async () => (await ConfirmedAsync(location)).Length == 4, "all receipts");

        foreach (var database in Databases)
        {
            string[] kept = database == ResourceNames.AuthDb ? ["account_deletions", "audit_log"] : ["erased_users"];
            IReadOnlyList<string> found = [];
            await Eventually.TrueAsync(
                async () => !(found = await TablesWithAsync(database, user.Id.ToString())).Except(kept).Any(), $"the erasure of the id in {database}");
            (await TablesWithAsync(database, email)).ShouldBeEmpty(database);
        }

        // No account, or already a refused token.
        (await user.Client.GetAsync("/api/v1/auth/me")).StatusCode.ShouldBeOneOf(HttpStatusCode.NotFound, HttpStatusCode.Unauthorized);
        await system.InvariantsHoldAsync();
    }

    [Fact]
    public async Task An_API_key_works_until_it_is_revoked()
    {
        var user = await system.RegisterAsync();
        await system.VerifyAsync(user.Id);
        using var created = await user.Client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "A kiosk", scopes = new[] { "reporting:read", "auth:read" }, password = KashifSystem.Password });
        var key = await created.JsonAsync(201);
        using var program = system.Anonymous();
        program.DefaultRequestHeaders.Add("X-Api-Key", key.GetProperty("key").GetString());

        await KashifSystem.ExchangedAsync(program);
        (await program.GetFromJsonAsync<JsonElement>("/api/v1/auth/me")).GetProperty("id").GetGuid().ShouldBe(user.Id);
        (await program.GetAsync("/api/v1/reports/my-reports")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await program.GetAsync("/api/v1/gamification/points/me")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await program.DeleteAsync($"/api/v1/auth/api-keys/{key.GetProperty("id").GetGuid()}")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        (await user.Client.DeleteAsync($"/api/v1/auth/api-keys/{key.GetProperty("id").GetGuid()}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Eventually.TrueAsync(async () => (await program.GetAsync("/api/v1/reports/my-reports")).StatusCode == HttpStatusCode.Unauthorized, "the rejection of the key");
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

    private async Task<IReadOnlyList<string>> TablesWithAsync(string database, string text) => await DatabaseScan.TablesWithAsync(
        await system.Application.GetConnectionStringAsync(database) ?? throw new InvalidOperationException($"'{database}' has no connection string."), text);
}
