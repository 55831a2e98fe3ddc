using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Admins manage the categories of reports.</summary>
public sealed class CategoryTests(ReportingService service)
{
    private const string Categories = $"{Root}/categories";

    [Fact]
    public async Task An_admin_creates_changes_and_deletes_a_category()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var anyone = service.Host.Anonymous();
        var code = NewCode();

        var (status, made) = await SendAsync(admin, HttpMethod.Post, "", Body(code));
        (await SendAsync(admin, HttpMethod.Post, "", Body(code))).Body.Code.ShouldBe("category_exists");
        (await SendAsync(admin, HttpMethod.Patch, $"/{code}", new { name_en = "Old bench", target_hours = 48, position = 16 }, "\"1\"")).Status.ShouldBe(200);
        (await SendAsync(admin, HttpMethod.Patch, $"/{code}", new { name_en = "Another" }, "\"1\"")).Body.Code.ShouldBe("precondition_failed");
        (await SendAsync(admin, HttpMethod.Patch, $"/{code}", new { position = 16 })).Status.ShouldBe(200, "nothing changes");

        status.ShouldBe(201, made.ToString());
        var (_, shown) = await anyone.ReadAsync($"{Categories}/{code}");
        shown.ToString().ShouldBe($$"""{"code":"{{code}}","name":{"en":"Old bench","ar":"مقعد"},"icon":"chair","colour":"#15803d","target_days":null,"duplicate_distance_m":50,"target_hours":48,"position":16,"active":true}""");
        var filed = await service.FileAsync(category: code);
        var report = filed.Id;
        (filed.GetProperty("due_at").GetDateTimeOffset() - filed.GetProperty("created_at").GetDateTimeOffset()).ShouldBe(TimeSpan.FromHours(48));
        filed.GetProperty("expected_at").GetDateTimeOffset().ShouldBe(filed.GetProperty("due_at").GetDateTimeOffset(), "the service level, while nothing is measured");

        (await SendAsync(admin, HttpMethod.Delete, $"/{code}", null)).Body.Code.ShouldBe("category_active");
        (await SendAsync(admin, HttpMethod.Patch, $"/{code}", new { active = false })).Body.GetProperty("active").GetBoolean().ShouldBeFalse();
        (await SendAsync(admin, HttpMethod.Delete, $"/{code}", null)).Body.Code.ShouldBe("category_active", "a replica may still take reports");
        (await CodesAsync(anyone, "")).ShouldNotContain(code);
        (await CodesAsync(anyone, "?inactive=true")).ShouldContain(code);
        await AgeAsync(code);
        var (refused, problem) = await SendAsync(admin, HttpMethod.Delete, $"/{code}", null);
        (refused, problem.Code).ShouldBe((409, "category_in_use"));
        problem.GetProperty("hangs_on").EnumerateArray().Select(one => (one.GetProperty("kind").GetString(), one.Id)).ShouldBe([("report", report)]);

        await service.QueryAsync(database => database.Reports.Where(row => row.Id == report).ExecuteDeleteAsync(Cancelled));
        (await SendAsync(admin, HttpMethod.Delete, $"/{code}", null)).Status.ShouldBe(204);
        (await anyone.ReadAsync($"{Categories}/{code}")).Status.ShouldBe(404);
        (await CodesAsync(anyone, "?inactive=true")).ShouldNotContain(code);
        var trail = await service.QueryAsync(async database => await database.AuditEntries.Where(entry => entry.Kind == "category").OrderBy(entry => entry.Id).ToListAsync(Cancelled));
        trail.Where(entry => entry.Values?.GetProperty("code").GetString() == code).Select(entry => entry.Action).ShouldBe(["created", "changed", "changed", "deleted"]);
    }

    [Fact]
    public async Task Only_admins_manage_categories_and_each_wrong_field_is_named()
    {
        using var staff = service.NewUser(Roles.Moderator);
        using var admin = service.NewUser(Roles.Admin);
        var code = NewCode();

        (await SendAsync(staff, HttpMethod.Post, "", Body(code))).Status.ShouldBe(403);
        (await SendAsync(staff, HttpMethod.Patch, "/pothole", new { position = 1 })).Status.ShouldBe(403);
        (await SendAsync(staff, HttpMethod.Delete, "/pothole", null)).Status.ShouldBe(403);
        (await SendAsync(admin, HttpMethod.Post, "", new { code = "Ä b", name_en = " ", name_ar = "", icon = "", colour = "red", position = -1, target_days = 0, target_hours = 1 })).Body.BadFields
            .ShouldBe(["code", "colour", "icon", "name_ar", "name_en", "position", "target_days", "target_hours"]);
        (await SendAsync(admin, HttpMethod.Patch, "/pothole", new { colour = "", name_en = "" })).Body.BadFields.ShouldBe(["colour", "name_en"]);
        (await SendAsync(admin, HttpMethod.Patch, "/no_such", new { position = 1 })).Status.ShouldBe(404);
        (await SendAsync(admin, HttpMethod.Delete, "/no_such", null)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Of_two_changes_at_once_both_take_effect_or_one_is_refused()
    {
        using var admin = service.NewUser(Roles.Admin);
        var code = NewCode();
        (await SendAsync(admin, HttpMethod.Post, "", Body(code))).Status.ShouldBe(201);

        var changes = await Task.WhenAll(Enumerable.Range(1, 12).Select(position => SendAsync(admin, HttpMethod.Patch, $"/{code}", new { position, name_en = $"Bench {position}" })));

        changes.Where(change => change.Status != 200).Select(change => change.Body.Code).ShouldAllBe(problem => problem == "category_changed");
        var stored = await service.QueryAsync(async database => await database.Categories.SingleAsync(row => row.Code == code, Cancelled));
        stored.NameEn.ShouldBe($"Bench {stored.Position}");
        stored.Version.ShouldBe(1 + changes.Count(change => change.Status == 200));
    }

    internal static string NewCode() => $"c_{Guid.CreateVersion7():N}";

    internal static object Body(string code) =>
        new { code, name_en = "Bench", name_ar = "مقعد", icon = "chair", colour = "#15803d", position = 15, target_days = 14 };

    /// <summary>Sends to a path below the categories.</summary>
    internal static async Task<(int Status, JsonElement Body)> SendAsync(HttpClient client, HttpMethod method, string path, object? body, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, Categories + path) { Content = body is null ? null : JsonContent.Create(body) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        using var response = await client.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, response.StatusCode is System.Net.HttpStatusCode.NoContent ? default : await response.JsonAsync());
    }

    private Task AgeAsync(string code) => service.QueryAsync(database => database.Categories.Where(row => row.Code == code)
        .ExecuteUpdateAsync(set => set.SetProperty(row => row.InactiveSince, TimeProvider.System.GetUtcNow().AddMinutes(-2)), Cancelled));

    private static async Task<string?[]> CodesAsync(HttpClient client, string query) =>
        [.. (await client.ReadAsync(Categories + query)).Body.GetProperty("items").EnumerateArray().Select(item => item.Code)];
}
