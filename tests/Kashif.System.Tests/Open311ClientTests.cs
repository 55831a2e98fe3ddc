using System.Net.Http.Json;
using Kashif.Security;

namespace Kashif.SystemTests;

/// <summary>Sends and reads requests with a public client of Open311, which is in <c>eng/open311</c>.</summary>
public sealed class Open311ClientTests(KashifSystem system)
{
    private const string Categories = "/api/v1/reports/categories";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_npm_client_finds_services_sends_requests_and_reads_them_in_both_formats()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        var category = $"open311_{Guid.CreateVersion7():N}"[..20];
        await PostAsync(Categories, new { code = category, name_en = "Broken kerb", name_ar = "رصيف مكسور", icon = "road", colour = "#15803d", position = 90, target_days = 14 });
        await AskAsync(new { code = "SIZE", type = "singlevaluelist", required = true, @public = true, text_en = "How big?", text_ar = "ما حجمها؟", position = 1, choices = Choices("small", "big") });
        await AskAsync(new { code = "lanes", type = "multivaluelist", @public = true, text_en = "Which lanes?", text_ar = "أي مسارب؟", position = 2, choices = Choices("left", "middle", "right") });
        await AskAsync(new { code = "note", type = "text", @public = true, text_en = "Anything else?", text_ar = "شيء آخر؟", position = 3 });
        using var made = await admin.PostAsJsonAsync("/api/v1/reports/open311/keys", new { name = "The npm client" }, Cancel);
        var key = (await made.JsonAsync(201)).GetProperty("key").GetString() ?? "";
        var token = admin.DefaultRequestHeaders.Authorization?.Parameter ?? "";

        var output = await NodeTools.RunAsync("open311", ["session.mjs", system.AddressOf(ResourceNames.Gateway).GetLeftPart(UriPartial.Authority), key, category, token], Cancel);

        output.ShouldContain("The session is complete.");

        Task AskAsync(object question) => PostAsync($"{Categories}/{category}/questions", question);

        async Task PostAsync(string path, object body)
        {
            using var response = await admin.PostAsJsonAsync(path, body, Cancel);
            await response.JsonAsync(201);
        }
    }

    private static object[] Choices(params string[] keys) => [.. keys.Select(key => new { key, en = key.ToUpperInvariant(), ar = key })];
}
