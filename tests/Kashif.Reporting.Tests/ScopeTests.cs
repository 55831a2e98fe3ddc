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
    public async Task A_scope_does_not_grant_a_role()
    {
        var report = (await service.FileAsync()).Id;
        using var citizen = service.Host.With(service.Issuer.TokenForApiKey(Guid.CreateVersion7(), "reporting:write"));
        using var staff = service.Host.With(service.Issuer.TokenForApiKey(Guid.CreateVersion7(), "reporting:write", Roles.Staff));

        (await citizen.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(403);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
    }
}
