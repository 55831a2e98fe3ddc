using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Security;

namespace Kashif.SystemTests;

/// <summary>Reads the OpenAPI documents with the tools of a client developer, which are in <c>eng/openapi</c>.</summary>
public sealed class OpenApiClientTests(KashifSystem system)
{
    private static readonly string[] Areas = ["auth", "reports", "gamification", "coupons", "notifications"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Gateway => system.AddressOf(ResourceNames.Gateway).GetLeftPart(UriPartial.Authority);

    [Fact]
    public async Task Spectral_finds_no_problem_in_the_documents()
    {
        var report = await NodeAsync(
            [
                "node_modules/@stoplight/spectral-cli/dist/index.js", "lint", "--ruleset", ".spectral.yaml", "--fail-severity", "hint",
                .. Areas.Select(area => $"{Gateway}/openapi/{area}.json"),
            ]);

        report.ShouldContain("No results");
    }

    [Fact]
    public async Task A_generated_TypeScript_client_compiles_and_walks_the_first_session()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        var email = (await admin.GetFromJsonAsync<JsonElement>("/api/v1/auth/me", Cancel)).GetProperty("email").GetString() ?? "";

        await NodeAsync(["generate.mjs", Gateway]);
        await NodeAsync(["node_modules/typescript/bin/tsc"]);
        var output = await NodeAsync(["dist/journey.js", Gateway, email, KashifSystem.Password]);

        output.ShouldContain("The journey is complete.");
    }

    private static Task<string> NodeAsync(string[] arguments) => NodeTools.RunAsync("openapi", arguments, Cancel);
}
