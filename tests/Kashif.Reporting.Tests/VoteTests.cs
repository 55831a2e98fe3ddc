using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Votes;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>"Me too": each user once, and the count is the number of votes.</summary>
public sealed class VoteTests(ReportingService service)
{
    [Fact]
    public async Task A_vote_counts_once_is_published_and_follows_the_report()
    {
        var report = await service.FileAsync(latitude: 10, longitude: 20);
        using var voter = service.Citizen(out var user);
        (await voter.ReadAsync($"{Root}/{report.Id}/votes")).Body.ToString().ShouldBe("""{"votes":0,"voted":false}""");

        (await VoteAsync(voter, report.Id)).Body.ToString().ShouldBe("""{"votes":1,"voted":true}""");
        (await VoteAsync(voter, report.Id)).Body.ToString().ShouldBe("""{"votes":1,"voted":true}""");

        (await voter.ReadAsync($"{Root}/{report.Id}")).Body.GetProperty("votes").GetInt32().ShouldBe(1);
        (await voter.ReadAsync($"{Root}/{report.Id}/follow")).Body.GetProperty("following").GetBoolean().ShouldBeTrue();
        (await service.QueryAsync(database => ReportVotes.VotedAsync(database, report.Id, user, Cancelled))).ShouldBeTrue();

        (await WithdrawAsync(voter, report.Id)).Body.ToString().ShouldBe("""{"votes":0,"voted":false}""");
        (await WithdrawAsync(voter, report.Id)).Status.ShouldBe(404);
        await service.Tap.WaitForAsync(ReportVoted.Type, data => IsOf(data, report.Id) && data.GetProperty("withdrawn").GetBoolean());
        var events = service.Tap.Envelopes(ReportVoted.Type).Select(envelope => envelope.GetProperty("data")).Where(data => IsOf(data, report.Id))
            .OrderBy(data => data.GetProperty("version").GetInt32()).ToArray();
        events.Select(data => data.GetProperty("withdrawn").GetBoolean()).ShouldBe([false, true]);
        JsonElement.DeepEquals(events[0], JsonSerializer.SerializeToElement(new
        {
            report_id = report.Id,
            user_id = user,
            reporter_id = report.GetProperty("user_id").GetGuid(),
            category = "pothole",
            latitude = 10,
            longitude = 20,
            withdrawn = false,
            version = 1,
        })).ShouldBeTrue(events[0].ToString());
    }

    [Fact]
    public async Task Only_open_public_reports_of_others_can_be_voted_for()
    {
        using var owner = service.Citizen(out _);
        using var voter = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var own = (await owner.FileAsync()).Id;
        (await VoteAsync(owner, own)).ShouldBeProblem(422, "own_report");
        (await VoteAsync(anyone, own)).Status.ShouldBe(401);
        (await VoteAsync(voter, Guid.CreateVersion7())).Status.ShouldBe(404);

        (await staff.ChangeStatusAsync(own, new { status = "rejected" })).Status.ShouldBe(200);
        (await VoteAsync(voter, own)).ShouldBeProblem(422, "report_closed");

        using var filed = await owner.PostReportAsync(new { title = "A secret", description = "", category = "pothole", latitude = 1, longitude = 1, @private = true });
        var secret = (await filed.JsonAsync()).Id;
        (await VoteAsync(voter, secret)).Status.ShouldBe(404);
        (await VoteAsync(staff, secret)).Status.ShouldBe(404);
        (await VoteAsync(owner, secret)).ShouldBeProblem(422, "own_report");
        (await voter.ReadAsync($"{Root}/{secret}/votes")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task The_count_of_64_users_who_vote_and_withdraw_at_once_is_the_number_of_votes()
    {
        var report = (await service.FileAsync()).Id;
        var voters = Enumerable.Range(0, 64).Select(_ => service.Citizen(out var _)).ToArray();

        await Task.WhenAll(voters.SelectMany((voter, index) => new[]
        {
            VoteAsync(voter, report), VoteAsync(voter, report), index % 2 == 0 ? WithdrawAsync(voter, report) : VoteAsync(voter, report),
        }));

        var (votes, count) = await CountsAsync(report);
        count.ShouldBe(votes);
        votes.ShouldBeInRange(32, 64);
        Array.ForEach(voters, voter => voter.Dispose());
    }

    [Fact]
    public async Task A_merge_moves_every_vote_and_follower_once_while_users_vote()
    {
        var (duplicate, original) = ((await service.FileAsync()).Id, (await service.FileAsync()).Id);
        var reporter = await service.QueryAsync(database => database.Reports.Where(row => row.Id == duplicate).Select(row => row.UserId).SingleAsync(Cancelled));
        var voters = Enumerable.Range(0, 32).Select(_ => (Client: service.Citizen(out var id), Id: id)).ToArray();
        foreach (var (client, _) in voters[..4])
        {
            (await VoteAsync(client, duplicate)).Status.ShouldBe(200);
            (await VoteAsync(client, original)).Status.ShouldBe(200);
        }

        var voting = voters[4..18].Select(async voter => (voter.Id, (await VoteAsync(voter.Client, duplicate)).Status)).ToList();
        await service.QueryAsync(async database =>
        {
            await using var transaction = await database.Database.BeginTransactionAsync(Cancelled);
            await ReportVotes.MoveAsync(database, duplicate, original, Cancelled);
            await ReportFollows.MoveAsync(database, duplicate, original, Cancelled);

            // These voters still see an open report, and wait for the merge.
            voting.AddRange(voters[18..].Select(async voter => (voter.Id, (await VoteAsync(voter.Client, duplicate)).Status)));
            await Eventually.TrueAsync(() => service.QueryAsync(other => other.Database.SqlQuery<bool>($"""
                SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS "Value"
                """).SingleAsync(Cancelled)), "a waiting voter");
            await database.Reports.Where(report => report.Id == duplicate).ExecuteUpdateAsync(
                set => set.SetProperty(report => report.Status, ReportStatus.Duplicate).SetProperty(report => report.DuplicateOf, original), Cancelled);
            await transaction.CommitAsync(Cancelled);
            return 0;
        });

        var voted = (await Task.WhenAll(voting)).Where(vote => vote.Status == 200).Select(vote => vote.Id).Concat(voters[..4].Select(voter => voter.Id)).ToArray();
        (await CountsAsync(duplicate)).ShouldBe((0, 0));
        (await CountsAsync(original)).ShouldBe((voted.Length, voted.Length));
        (await service.QueryAsync(database => database.Follows.Where(follow => follow.ReportId == duplicate).CountAsync(Cancelled))).ShouldBe(0);
        (await service.QueryAsync(database => database.Follows.Where(follow => follow.ReportId == original).Select(follow => follow.UserId).ToListAsync(Cancelled)))
            .ShouldBe(voted.Append(reporter), ignoreOrder: true);
        Array.ForEach(voters, voter => voter.Client.Dispose());
    }

    private async Task<(int Votes, int Count)> CountsAsync(Guid report) => await service.QueryAsync(async database => (
        await database.Votes.CountAsync(vote => vote.ReportId == report, Cancelled),
        await database.Reports.Where(row => row.Id == report).Select(row => row.Votes).SingleAsync(Cancelled)));

    private static bool IsOf(JsonElement data, Guid report) => data.GetProperty("report_id").GetGuid() == report;

    private static Task<(int Status, JsonElement Body)> VoteAsync(HttpClient client, Guid report) => client.SendJsonAsync(HttpMethod.Post, $"{Root}/{report}/votes");

    private static Task<(int Status, JsonElement Body)> WithdrawAsync(HttpClient client, Guid report) => client.SendJsonAsync(HttpMethod.Delete, $"{Root}/{report}/votes");
}

internal static class CommunityClient
{
    /// <summary>Sends a request, with a body if there is one.</summary>
    public static async Task<(int Status, JsonElement Body)> SendJsonAsync(this HttpClient client, HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await client.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, response.Content.Headers.ContentLength is 0 or null && (int)response.StatusCode == 204 ? default : await response.JsonAsync());
    }

    public static void ShouldBeProblem(this (int Status, JsonElement Body) response, int status, string code) =>
        (response.Status, response.Body.Code).ShouldBe((status, code));
}
