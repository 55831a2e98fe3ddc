using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;

namespace Kashif.Reporting.Tests;

/// <summary>An API key allows what its owner may do, within its scopes.</summary>
public sealed class ScopeTests(ReportingService service)
{
    private static readonly object Report = new { title = "A deep hole", description = "In the right lane.", category = "pothole", latitude = 24.7, longitude = 46.7 };

    [Theory]
    [InlineData("reporting:read", HttpStatusCode.OK, HttpStatusCode.Forbidden)]
    [InlineData("reporting:write", HttpStatusCode.Forbidden, HttpStatusCode.Created)]
    [InlineData("auth:read reporting:read reporting:write", HttpStatusCode.OK, HttpStatusCode.Created)]
    [InlineData("coupons:read coupons:write reporting:rea", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    [InlineData("", HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    public async Task An_API_key_needs_the_scope_of_the_service_and_method(string scopes, HttpStatusCode read, HttpStatusCode write)
    {
        using var program = service.Host.With(service.Issuer.TokenForApiKey(Guid.CreateVersion7(), scopes));

        using var mine = await program.GetAsync($"{ReportingClient.Root}/my-reports", ReportingClient.Cancelled);
        using var filed = await program.PostAsJsonAsync(ReportingClient.Root, Report, ReportingClient.Cancelled);
        using var list = await program.GetAsync(ReportingClient.Root, ReportingClient.Cancelled);

        mine.StatusCode.ShouldBe(read);
        filed.StatusCode.ShouldBe(write);
        list.StatusCode.ShouldBe(HttpStatusCode.OK, "public");
        foreach (var refused in new[] { mine, filed }.Where(response => response.StatusCode == HttpStatusCode.Forbidden))
        {
            (await refused.Content.ReadFromJsonAsync<JsonElement>(ReportingClient.Cancelled)).Code.ShouldBe("insufficient_scope");
        }
    }

    [Fact]
    public async Task Without_the_scope_an_API_key_reads_what_the_public_sees()
    {
        using var owner = service.Citizen(out var ownerId);
        var ids = new Dictionary<string, Guid>();
        foreach (var flag in new[] { "anonymous", "private" })
        {
            using var filed = await owner.PostAsJsonAsync(
                ReportingClient.Root,
                new { title = "A deep hole", description = "In the right lane.", category = "pothole", latitude = 24.7, longitude = 46.7, anonymous = flag == "anonymous", @private = flag == "private" },
                ReportingClient.Cancelled);
            ids[flag] = (await filed.JsonAsync()).Id;
        }

        (string Scopes, string? Role)[] without = [("coupons:read reporting:write", null), ("", Roles.Staff)];
        foreach (var (scopes, role) in without)
        {
            // The owner's own key, and one of staff.
            using var program = service.Host.With(service.Issuer.TokenForApiKey(role is null ? ownerId : Guid.CreateVersion7(), scopes, role is null ? [] : [role]));
            (await program.ReadAsync($"{ReportingClient.Root}/{ids["private"]}")).Status.ShouldBe(404);
            foreach (var path in new[] { "", "/history", "/timeline" })
            {
                var (status, body) = await program.ReadAsync($"{ReportingClient.Root}/{ids["anonymous"]}{path}");
                status.ShouldBe(200);
                body.ToString().ShouldNotContain(ownerId.ToString());
            }
        }

        using var reader = service.Host.With(service.Issuer.TokenForApiKey(ownerId, "reporting:read"));
        (await reader.ReadAsync($"{ReportingClient.Root}/{ids["private"]}")).Status.ShouldBe(200);
        (await reader.ReadAsync($"{ReportingClient.Root}/{ids["anonymous"]}")).Body.GetProperty("user_id").GetGuid().ShouldBe(ownerId);
    }

    [Fact]
    public async Task A_scope_does_not_grant_a_role()
    {
        var report = (await service.FileAsync()).Id;
        using var citizen = service.Host.With(service.Issuer.TokenForApiKey(Guid.CreateVersion7(), "reporting:write"));
        using var staff = service.Host.With(service.Issuer.TokenForApiKey(Guid.CreateVersion7(), "reporting:write", Roles.Staff));

        (await citizen.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(403);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
    }
}
