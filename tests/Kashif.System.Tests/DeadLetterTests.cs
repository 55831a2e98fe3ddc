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

        // A letter that was put back comes again under another id, so each step asks for the present one.
        await Eventually.TrueAsync(async () => await UnreadableAsync(admin) is { } id && (await CommandAsync("dead-letters-list", ("type", "unreadable"))).Contains(id, StringComparison.Ordinal), "the dead letter");
        (await CommandAsync("dead-letters-list", ("type", ReportCreated.Type))).ShouldNotContain("unreadable");
        await Eventually.TrueAsync(async () => await UnreadableAsync(admin) is { } id && (await CommandAsync("dead-letters-replay", ("id", id))).Contains("1 dead letters put back", StringComparison.Ordinal), "the operator's replay");
        await Eventually.TrueAsync(async () => await UnreadableAsync(admin) is { } id && await IsReplayedAsync(admin, id), "the admin's replay");

        await Eventually.TrueAsync(async () =>
        {
            var log = await admin.GetFromJsonAsync<JsonElement>("/api/v1/auth/audit-log?action=dead_letters_replayed", Cancel);
            var entries = log.GetProperty("items").EnumerateArray().Where(entry => entry.GetProperty("details").GetProperty("service").GetString() == ResourceNames.Reporting).ToArray();
            return entries.Any(entry => entry.GetProperty("actor_id").ValueKind == JsonValueKind.Null) && entries.Any(entry => entry.GetProperty("actor_id").ValueKind == JsonValueKind.String);
        }, "both replays in the audit log");
    }

    private static async Task<string?> UnreadableAsync(HttpClient client)
    {
        var letters = await client.GetFromJsonAsync<JsonElement>($"{Path}?type=unreadable", Cancel);
        return letters.GetProperty("items").EnumerateArray().Select(letter => letter.GetProperty("id").GetString()).FirstOrDefault();
    }

    private static async Task<bool> IsReplayedAsync(HttpClient client, string id)
    {
        using var replayed = await client.PostAsJsonAsync($"{Path}/{id}/replay", new { }, Cancel);
        replayed.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.NotFound);
        return replayed.StatusCode == HttpStatusCode.OK;
    }

    private async Task<string> CommandAsync(string command, (string Name, string Value) argument)
    {
        var arguments = new InteractionInputCollection([new InteractionInput { Name = argument.Name, InputType = InputType.Text, Value = argument.Value }]);
        var result = await system.Application.ResourceCommands.ExecuteCommandAsync(ResourceNames.Reporting, command, arguments, Cancel);
        result.Success.ShouldBeTrue(result.Message);
        return result.Data.ShouldNotBeNull().Value;
    }
}
