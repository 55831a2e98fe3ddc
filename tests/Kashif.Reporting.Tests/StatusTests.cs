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

/// <summary>Status transitions: permissions, history, events and concurrency.</summary>
public sealed class StatusTests(ReportingService service)
{
    private static readonly (ReportStatus From, ReportStatus To)[] StaffTransitions =
    [
        (Submitted, Verified), (Submitted, InProgress), (Submitted, Rejected), (Submitted, Duplicate),
        (Verified, InProgress), (Verified, Rejected), (Verified, Duplicate),
        (InProgress, Resolved), (InProgress, Rejected), (InProgress, Duplicate),
        (Verified, Submitted), (InProgress, Verified), (Resolved, InProgress), (Rejected, Submitted), (Duplicate, Submitted),
    ];

    public static TheoryData<string, string> Pairs => new(
        from source in Enum.GetValues<ReportStatus>()
        from target in Enum.GetValues<ReportStatus>()
        select new TheoryDataRow<string, string>(source.WireName(), target.WireName()));

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Each_role_can_make_only_its_transitions(string from, string to)
    {
        ReportStatuses.TryParse(from, out var source).ShouldBeTrue();
        ReportStatuses.TryParse(to, out var target).ShouldBeTrue();
        var original = (await service.FileAsync()).Id;
        var staffMayChange = StaffTransitions.Contains((source, target));
        var ownerMayChange = (source, target) == (Submitted, Withdrawn);

        foreach (var role in (string[])[Roles.Staff, Roles.Moderator, Roles.Admin])
        {
            using var staff = service.NewUser(role);
            (await ChangeStatusAsync(staff, Guid.CreateVersion7())).ShouldBe(
                staffMayChange ? (200, to) : ownerMayChange ? (403, "forbidden") : (422, "invalid_status_transition"), role);
        }

        foreach (var role in (string[])[Roles.Citizen, Roles.Partner])
        {
            using var stranger = service.NewUser(role);
            (await ChangeStatusAsync(stranger, Guid.CreateVersion7())).ShouldBe((403, "forbidden"), role);
        }

        var ownerId = Guid.CreateVersion7();
        using var owner = service.Host.As(ownerId);
        (await ChangeStatusAsync(owner, ownerId)).ShouldBe(
            ownerMayChange ? (200, to) : target is Withdrawn ? (422, "invalid_status_transition") : (403, "forbidden"), "owner");

        async Task<(int, string?)> ChangeStatusAsync(HttpClient client, Guid owner)
        {
            var id = (await service.SeedAsync([(1, 1)], status: from, userId: owner))[0];
            var (status, body) = await client.ChangeStatusAsync(id, new { status = to, comment = "Said why.", duplicate_of = target is Duplicate ? original : (Guid?)null });
            (await service.VersionAsync(id)).ShouldBe(status != 200 ? 1 : (source, target) == (Submitted, InProgress) ? 3 : 2);
            return (status, status == 200 ? body.GetProperty("status").GetString() : body.Code);
        }
    }

    [Fact]
    public async Task Status_changes_are_in_the_history_and_published()
    {
        using var citizen = service.Citizen(out var owner);
        using var staff = service.NewUser(Roles.Staff);
        using var anonymous = service.Host.Anonymous();
        var id = (await citizen.FileAsync(title: "Followed closely")).Id;

        (await staff.ChangeStatusAsync(id, new { status = "verified", comment = "  Seen it.  " })).Status.ShouldBe(200);
        (await staff.ChangeStatusAsync(id, new { status = "in_progress" })).Status.ShouldBe(200);
        var (status, resolved) = await staff.ChangeStatusAsync(id, new { status = "resolved", comment = "Filled." });

        status.ShouldBe(200);
        resolved.GetProperty("version").GetInt32().ShouldBe(4);
        resolved.GetProperty("updated_at").GetDateTimeOffset().ShouldBeGreaterThan(resolved.GetProperty("created_at").GetDateTimeOffset());

        var history = await anonymous.AllPagesAsync($"{Root}/{id}/history?", 2);
        history.Select(entry => (entry.GetProperty("version").GetInt32(), entry.GetProperty("from").GetString(), entry.GetProperty("to").GetString(), entry.GetProperty("comment").GetString()))
            .ShouldBe([(1, null, "submitted", null), (2, "submitted", "verified", "Seen it."), (3, "verified", "in_progress", null), (4, "in_progress", "resolved", "Filled.")]);
        history[0].GetProperty("changed_by").GetGuid().ShouldBe(owner);
        history[1].GetProperty("changed_by").GetGuid().ShouldNotBe(owner);

        // Events arrive in any order, which is why they have a version.
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
    public async Task Starting_work_on_a_new_report_verifies_it_on_the_way()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var anonymous = service.Host.Anonymous();
        var id = (await service.FileAsync()).Id;

        var (status, started) = await staff.ChangeStatusAsync(id, new { status = "in_progress", comment = "A crew is there." });

        status.ShouldBe(200);
        started.GetProperty("version").GetInt32().ShouldBe(3);
        (string From, string To, string? Comment)[] steps = [("submitted", "verified", null), ("verified", "in_progress", "A crew is there.")];
        (await anonymous.AllPagesAsync($"{Root}/{id}/history?", 10)).Skip(1)
            .Select(entry => (entry.GetProperty("from").GetString() ?? "", entry.GetProperty("to").GetString() ?? "", entry.GetProperty("comment").GetString()))
            .ShouldBe(steps);
        var times = new List<DateTimeOffset>();
        foreach (var (from, to, _) in steps)
        {
            var told = await service.Tap.WaitForAsync(ReportStatusUpdated.Type, data => data.GetProperty("report_id").GetGuid() == id
                && data.GetProperty("from").GetString() == from && data.GetProperty("to").GetString() == to);
            times.Add(told.GetProperty("time").GetDateTimeOffset());
        }

        times[1].ShouldBeGreaterThan(times[0], "notifications are sorted by it");
    }

    [Fact]
    public async Task Only_one_of_several_concurrent_changes_succeeds()
    {
        for (var round = 0; round < 10; round++)
        {
            var id = (await service.FileAsync()).Id;
            HttpClient[] staff = [.. Enumerable.Range(0, 6).Select(_ => service.NewUser(Roles.Staff))];

            var responses = await Task.WhenAll(staff.Select((client, index) =>
                client.ChangeStatusAsync(id, new { status = "verified" }, index < 3 ? "\"1\"" : null)));

            responses.Count(response => response.Status == 200).ShouldBe(1);
            responses.Where(response => response.Status != 200).ShouldAllBe(response => response.Status == 409 || response.Status == 412 || response.Status == 422);
            (await service.VersionAsync(id)).ShouldBe(2);
            (await service.QueryAsync(database => database.StatusChanges.CountAsync(change => change.ReportId == id, Cancelled))).ShouldBe(1);
        }
    }

    [Theory]
    [InlineData(null, 409, "report_changed")]
    [InlineData("\"1\"", 412, "precondition_failed")]
    public async Task A_change_that_loses_a_race_returns_409_or_412(string? ifMatch, int expected, string code)
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);
        await using var other = new NpgsqlConnection(service.Host.Database);
        await other.OpenAsync(Cancelled);
        await using var transaction = await other.BeginTransactionAsync(Cancelled);
        await ExecuteAsync($"UPDATE reports SET status = 'rejected', version = 2 WHERE id = '{id}'");

        var losing = staff.ChangeStatusAsync(id, new { status = "verified" }, ifMatch);
        await Eventually.TrueAsync(
            async () => await service.QueryAsync(database => database.Database
                .SqlQuery<int>($"SELECT count(*)::int AS \"Value\" FROM pg_locks WHERE NOT granted AND {other.ProcessID} = ANY (pg_blocking_pids(pid))")
                .SingleAsync(Cancelled)) > 0,
            "the wait for the other transaction's lock");
        await transaction.CommitAsync(Cancelled);
        var (status, problem) = await losing;

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
    public async Task If_Match_with_another_version_returns_412(string ifMatch, int expected)
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);

        var (status, body) = await staff.ChangeStatusAsync(id, new { status = "verified" }, ifMatch);

        status.ShouldBe(expected);
        if (expected == 412)
        {
            body.Code.ShouldBe("precondition_failed");
        }
    }

    [Fact]
    public async Task A_reports_version_is_its_etag()
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);
        using var anonymous = service.Host.Anonymous();
        using var first = await anonymous.GetAsync($"{Root}/{id}", Cancelled);
        (first.Headers.ETag?.Tag).ShouldBe("\"1\"");
        (first.Headers.CacheControl?.Public).ShouldBe(true);
        anonymous.DefaultRequestHeaders.TryAddWithoutValidation("If-None-Match", "W/\"1\"");

        using var unchanged = await anonymous.GetAsync($"{Root}/{id}", Cancelled);
        await staff.ChangeStatusAsync(id, new { status = "verified" });
        using var changed = await anonymous.GetAsync($"{Root}/{id}", Cancelled);

        unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (unchanged.Headers.ETag?.Tag).ShouldBe("\"1\"");
        (await unchanged.Content.ReadAsByteArrayAsync(Cancelled)).ShouldBeEmpty();
        changed.StatusCode.ShouldBe(HttpStatusCode.OK);
        (changed.Headers.ETag?.Tag).ShouldBe("\"2\"");
    }

    [Fact]
    public async Task A_duplicate_needs_an_existing_original()
    {
        var original = (await service.FileAsync()).Id;
        var duplicate = (await service.FileAsync()).Id;
        var third = (await service.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);

        foreach (object bad in (object[])
        [
            new { status = "duplicate" },
            new { status = "duplicate", duplicate_of = duplicate },
            new { status = "duplicate", duplicate_of = Guid.CreateVersion7() },
            new { status = "duplicate", duplicate_of = "the other one" },
            new { status = "verified", duplicate_of = original },
        ])
        {
            var (refused, problem) = await staff.ChangeStatusAsync(duplicate, bad);
            refused.ShouldBe(400);
            problem.BadFields.ShouldBe(["duplicate_of"]);
        }

        var (status, body) = await staff.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original });
        status.ShouldBe(200);
        body.GetProperty("duplicate_of").GetGuid().ShouldBe(original);
        (await staff.ReadAsync($"{Root}/{duplicate}")).Body.GetProperty("duplicate_of").GetGuid().ShouldBe(original);
        (await staff.ChangeStatusAsync(third, new { status = "duplicate", duplicate_of = duplicate })).Status.ShouldBe(400, "a duplicate cannot be an original");
    }

    [Fact]
    public async Task An_invalid_status_change_is_rejected()
    {
        var id = (await service.FileAsync()).Id;
        using var staff = service.NewUser(Roles.Staff);
        using var anonymous = service.Host.Anonymous();

        (await anonymous.ChangeStatusAsync(id, new { status = "verified" })).Status.ShouldBe(401);
        (await staff.ChangeStatusAsync(Guid.CreateVersion7(), new { status = "verified" })).Status.ShouldBe(404);
        foreach (object bad in (object[])[new { status = "fixed" }, new { status = 1 }, new { comment = "Nothing." }])
        {
            var (status, problem) = await staff.ChangeStatusAsync(id, bad);
            status.ShouldBe(400);
            problem.BadFields.ShouldBe(["status"]);
        }

        var (commentStatus, commentProblem) = await staff.ChangeStatusAsync(id, new { status = "verified", comment = new string('c', 1001) });
        commentStatus.ShouldBe(400);
        commentProblem.BadFields.ShouldBe(["comment"]);
        (await service.VersionAsync(id)).ShouldBe(1);
    }

    [Fact]
    public async Task An_unknown_report_returns_404()
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
