using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Kashif.Messaging.Events;
using Kashif.Security;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Dead letters through the gateway and by an operator's command.</summary>
public sealed class DeadLetterTests(KashifSystem system)
{
    private const string Path = "/api/v1/reports/admin/dead-letters";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_admin_and_an_operator_find_and_replay_a_dead_letter_and_the_audit_log_tells()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        await using var tap = await EventTap.OpenAsync(
            (await system.Application.GetConnectionStringAsync(ResourceNames.Messaging, Cancel)).ShouldNotBeNull(), listensTo: null);
        await tap.PublishRawAsync(UserDeleted.Type, "no event"u8.ToArray());
        JsonElement[] letters = [];
        await Eventually.TrueAsync(async () => (letters = await ListAsync(admin, "?type=unreadable")).Length > 0, "the dead letter");
        var id = letters[0].GetProperty("id").GetGuid();

        (await CommandAsync("dead-letters-list", ("type", "unreadable"))).ShouldContain(id.ToString());
        (await CommandAsync("dead-letters-list", ("type", ReportCreated.Type))).ShouldNotContain(id.ToString());
        (await CommandAsync("dead-letters-replay", ("id", id.ToString()))).ShouldContain("1 dead letters put back");
        await Eventually.TrueAsync(async () => (letters = await ListAsync(admin, "?type=unreadable")).Length > 0, "the dead letter again");
        using var replayed = await admin.PostAsJsonAsync($"{Path}/{letters[0].GetProperty("id").GetGuid()}/replay", new { }, Cancel);

        replayed.StatusCode.ShouldBe(HttpStatusCode.OK);
        await Eventually.TrueAsync(async () =>
        {
            var log = await admin.GetFromJsonAsync<JsonElement>("/api/v1/auth/audit-log?action=dead_letters_replayed", Cancel);
            var entries = log.GetProperty("items").EnumerateArray().Where(entry => entry.GetProperty("details").GetProperty("service").GetString() == ResourceNames.Reporting).ToArray();
            return entries.Any(entry => entry.GetProperty("actor_id").ValueKind == JsonValueKind.Null) && entries.Any(entry => entry.GetProperty("actor_id").ValueKind == JsonValueKind.String);
        }, "both replays in the audit log");
    }

    private static async Task<JsonElement[]> ListAsync(HttpClient client, string query) =>
        [.. (await client.GetFromJsonAsync<JsonElement>(Path + query, Cancel)).GetProperty("items").EnumerateArray()];

    private async Task<string> CommandAsync(string command, (string Name, string Value) argument)
    {
        var arguments = new InteractionInputCollection([new InteractionInput { Name = argument.Name, InputType = InputType.Text, Value = argument.Value }]);
        var result = await system.Application.ResourceCommands.ExecuteCommandAsync(ResourceNames.Reporting, command, arguments, Cancel);
        result.Success.ShouldBeTrue(result.Message);
        return result.Data.ShouldNotBeNull().Value;
    }
}
