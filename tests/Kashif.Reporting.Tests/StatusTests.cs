using System.Net;
using Kashif.Messaging.Events;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Reports.ReportStatus;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The status machine: who may move a report where, and what of it is kept and told.</summary>
public sealed class StatusTests(ReportingService service)
{
    private static readonly (ReportStatus From, ReportStatus To)[] StaffWays =
    [
        (Submitted, Verified), (Submitted, Rejected), (Submitted, Duplicate),
        (Verified, InProgress), (Verified, Rejected), (Verified, Duplicate),
        (InProgress, Resolved), (InProgress, Rejected), (InProgress, Duplicate),
    ];

    public static TheoryData<string, string> Pairs => new(
        from source in Enum.GetValues<ReportStatus>()
        from target in Enum.GetValues<ReportStatus>()
        select new TheoryDataRow<string, string>(source.WireName(), target.WireName()));

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Each_pair_of_statuses_for_each_role(string from, string to)
    {
        ReportStatuses.TryParse(from, out var source).ShouldBeTrue();
        ReportStatuses.TryParse(to, out var target).ShouldBeTrue();
        var original = (await service.FileAsync()).Id;
        var staffMayGo = StaffWays.Contains((source, target));
        var ownerMayGo = (source, target) == (Submitted, Withdrawn);

        foreach (var role in (string[])[Roles.Staff, Roles.Moderator, Roles.Admin])
        {
            using var staff = service.Someone(role);
            (await MoveAsync(staff, Guid.CreateVersion7())).ShouldBe(
                staffMayGo ? (200, to) : ownerMayGo ? (403, "forbidden") : (422, "invalid_status_transition"), role);
        }

        foreach (var role in (string[])[Roles.Citizen, Roles.Partner])
        {
            using var stranger = service.Someone(role);
            (await MoveAsync(stranger, Guid.CreateVersion7())).ShouldBe((403, "forbidden"), role);
        }

        var ownerId = Guid.CreateVersion7();
        using var owner = service.Host.As(ownerId);
        (await MoveAsync(owner, ownerId)).ShouldBe(
            ownerMayGo ? (200, to) : target is Withdrawn ? (422, "invalid_status_transition") : (403, "forbidden"), "owner");

        async Task<(int, string?)> MoveAsync(HttpClient client, Guid owner)
        {
            var id = (await service.SeedAsync([(1, 1)], status: from, userId: owner))[0];
            var (status, body) = await client.MoveAsync(id, new { status = to, duplicate_of = target is Duplicate ? original : (Guid?)null });
            (await service.VersionAsync(id)).ShouldBe(status == 200 ? 2 : 1);
            return (status, status == 200 ? body.GetProperty("status").GetString() : body.Code);
        }
    }

    [Fact]
    public async Task The_first_journey_is_kept_in_the_history_and_told()
    {
        using var citizen = service.Citizen(out var owner);
        using var staff = service.Someone(Roles.Staff);
        using var anonymous = service.Host.Anonymous();
        var id = (await citizen.FileAsync(title: "Followed closely")).Id;

        (await staff.MoveAsync(id, new { status = "verified", comment = "  Seen it.  " })).Status.ShouldBe(200);
        (await staff.MoveAsync(id, new { status = "in_progress" })).Status.ShouldBe(200);
        var (status, resolved) = await staff.MoveAsync(id, new { status = "resolved", comment = "Filled." });

        status.ShouldBe(200);
        resolved.GetProperty("version").GetInt32().ShouldBe(4);
        resolved.GetProperty("updated_at").GetDateTimeOffset().ShouldBeGreaterThan(resolved.GetProperty("created_at").GetDateTimeOffset());

        var history = await anonymous.AllPagesAsync($"{Root}/{id}/history?", 2);
        history.Select(entry => (entry.GetProperty("version").GetInt32(), entry.GetProperty("from").GetString(), entry.GetProperty("to").GetString(), entry.GetProperty("comment").GetString()))
            .ShouldBe([(1, null, "submitted", null), (2, "submitted", "verified", "Seen it."), (3, "verified", "in_progress", null), (4, "in_progress", "resolved", "Filled.")]);
        history[0].GetProperty("changed_by").GetGuid().ShouldBe(owner);
        history[1].GetProperty("changed_by").GetGuid().ShouldNotBe(owner);

        // In any order: the version is there because delivery keeps none.
        foreach (var version in (int[])[2, 3, 4])
        {
            await service.Tap.WaitForAsync(
                ReportStatusUpdated.Type, data => data.GetProperty("report_id").GetGuid() == id && data.GetProperty("version").GetInt32() == version);
        }

        var events = service.Tap.Envelopes(ReportStatusUpdated.Type).Select(envelope => envelope.GetProperty("data"))
            .Where(data => data.GetProperty("report_id").GetGuid() == id)
            .OrderBy(data => data.GetProperty("version").GetInt32()).ToArray();
        events.Select(data => (data.GetProperty("version").GetInt32(), data.GetProperty("from").GetString(), data.GetProperty("to").GetString(), data.GetProperty("comment").GetString()))
            .ShouldBe([(2, "submitted", "verified", "Seen it."), (3, "verified", "in_progress", null), (4, "in_progress", "resolved", "Filled.")]);
        events.ShouldAllBe(data => data.GetProperty("user_id").GetGuid() == owner && data.GetProperty("title").GetString() == "Followed closely");
    }

    [Fact]
    public async Task Of_racing_changes_one_wins()
    {
        for (var round = 0; round < 10; round++)
        {
            var id = (await service.FileAsync()).Id;
            HttpClient[] staff = [.. Enumerable.Range(0, 6).Select(_ => service.Someone(Roles.Staff))];

            var answers = await Task.WhenAll(staff.Select((client, index) =>
                client.MoveAsync(id, new { status = "verified" }, index < 3 ? "\"1\"" : null)));

            answers.Count(answer => answer.Status == 200).ShouldBe(1);
            answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 409 || answer.Status == 412 || answer.Status == 422);
            (await service.VersionAsync(id)).ShouldBe(2);
            (await service.QueryAsync(database => database.StatusChanges.CountAsync(change => change.ReportId == id, Cancelled))).ShouldBe(1);
        }
    }

    [Theory]
    [InlineData(null, 409, "report_changed")]
    [InlineData("\"1\"", 412, "precondition_failed")]
    public async Task A_change_that_another_one_overtakes_loses(string? ifMatch, int expected, string code)
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.Someone(Roles.Staff);
        await using var other = new NpgsqlConnection(service.Host.Database);
        await other.OpenAsync(Cancelled);
        await using var transaction = await other.BeginTransactionAsync(Cancelled);
        await ExecuteAsync($"UPDATE reports SET status = 'rejected', version = 2 WHERE id = '{id}'");

        var overtaken = staff.MoveAsync(id, new { status = "verified" }, ifMatch);
        await Eventually.TrueAsync(
            async () => await service.QueryAsync(database => database.Database
                .SqlQuery<int>($"SELECT count(*)::int AS \"Value\" FROM pg_locks WHERE NOT granted AND {other.ProcessID} = ANY (pg_blocking_pids(pid))")
                .SingleAsync(Cancelled)) > 0,
            "the change to meet the other one's lock");
        await transaction.CommitAsync(Cancelled);
        var (status, problem) = await overtaken;

        status.ShouldBe(expected);
        problem.Code.ShouldBe(code);
        (await service.VersionAsync(id)).ShouldBe(2);
        (await service.QueryAsync(database => database.StatusChanges.AnyAsync(change => change.ReportId == id, Cancelled))).ShouldBeFalse();

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, other);
            await command.ExecuteNonQueryAsync(Cancelled);
        }
    }

    [Theory]
    [InlineData("\"1\"", 200)]
    [InlineData("\"7\", \"1\"", 200)]
    [InlineData("*", 200)]
    [InlineData("\"2\"", 412)]
    [InlineData("W/\"1\"", 412)]
    [InlineData("not a tag", 412)]
    public async Task If_match_guards_against_what_the_caller_has_not_seen(string ifMatch, int expected)
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.Someone(Roles.Staff);

        var (status, body) = await staff.MoveAsync(id, new { status = "verified" }, ifMatch);

        status.ShouldBe(expected);
        if (expected == 412)
        {
            body.Code.ShouldBe("precondition_failed");
        }
    }

    [Fact]
    public async Task The_version_is_the_etag_of_the_report()
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.Someone(Roles.Staff);
        using var anonymous = service.Host.Anonymous();
        using var first = await anonymous.GetAsync($"{Root}/{id}", Cancelled);
        (first.Headers.ETag?.Tag).ShouldBe("\"1\"");
        (first.Headers.CacheControl?.Public).ShouldBe(true);
        anonymous.DefaultRequestHeaders.TryAddWithoutValidation("If-None-Match", "W/\"1\"");

        using var unchanged = await anonymous.GetAsync($"{Root}/{id}", Cancelled);
        await staff.MoveAsync(id, new { status = "verified" });
        using var changed = await anonymous.GetAsync($"{Root}/{id}", Cancelled);

        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (unchanged.Headers.ETag?.Tag).ShouldBe("\"1\"");
        (await unchanged.Content.ReadAsByteArrayAsync(Cancelled)).ShouldBeEmpty();
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        (changed.Headers.ETag?.Tag).ShouldBe("\"2\"");
    }

    [Fact]
    public async Task A_duplicate_names_its_original()
    {
        var original = (await service.FileAsync()).Id;
        var duplicate = (await service.FileAsync()).Id;
        var third = (await service.FileAsync()).Id;
        using var staff = service.Someone(Roles.Staff);

        foreach (object bad in (object[])
        [
            new { status = "duplicate" },
            new { status = "duplicate", duplicate_of = duplicate },
            new { status = "duplicate", duplicate_of = Guid.CreateVersion7() },
            new { status = "duplicate", duplicate_of = "the other one" },
            new { status = "verified", duplicate_of = original },
        ])
        {
            var (refused, problem) = await staff.MoveAsync(duplicate, bad);
            refused.ShouldBe(400);
            problem.BadFields.ShouldBe(["duplicate_of"]);
        }

        var (status, body) = await staff.MoveAsync(duplicate, new { status = "duplicate", duplicate_of = original });
        status.ShouldBe(200);
        body.GetProperty("duplicate_of").GetGuid().ShouldBe(original);
        (await staff.ReadAsync($"{Root}/{duplicate}")).Body.GetProperty("duplicate_of").GetGuid().ShouldBe(original);
        (await staff.MoveAsync(third, new { status = "duplicate", duplicate_of = duplicate })).Status.ShouldBe(400, "a duplicate is no original");
    }

    [Fact]
    public async Task What_is_not_a_change_of_status_is_refused()
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.Someone(Roles.Staff);
        using var anonymous = service.Host.Anonymous();

        (await anonymous.MoveAsync(id, new { status = "verified" })).Status.ShouldBe(401);
        (await staff.MoveAsync(Guid.CreateVersion7(), new { status = "verified" })).Status.ShouldBe(404);
        foreach (object bad in (object[])[new { status = "fixed" }, new { status = 1 }, new { comment = "Nothing." }])
        {
            var (status, problem) = await staff.MoveAsync(id, bad);
            status.ShouldBe(400);
            problem.BadFields.ShouldBe(["status"]);
        }

        var (long400, named) = await staff.MoveAsync(id, new { status = "verified", comment = new string('c', 1001) });
        long400.ShouldBe(400);
        named.BadFields.ShouldBe(["comment"]);
        (await service.VersionAsync(id)).ShouldBe(1);
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        using var anonymous = service.Host.Anonymous();
        foreach (var path in (string[])[$"{Guid.CreateVersion7()}", $"{Guid.CreateVersion7()}/history", "42", "nothing/history"])
        {
            var (status, problem) = await anonymous.ReadAsync($"{Root}/{path}");
            status.ShouldBe(404);
            problem.Code.ShouldBe("not_found");
        }
    }
}
