using System.Text.Json;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Visits under concurrency. Another transaction holds what a request needs, so that each race has the same order in every run.</summary>
public sealed class VisitRaceTests(ReportingService service)
{
    private delegate Task<(int Status, JsonElement Body)> Request();

    /// <param name="wins">The request that gets the work order first.</param>
    [Theory]
    [InlineData("confirm")]
    [InlineData("move")]
    public async Task A_reporter_never_confirms_the_slot_of_a_concurrent_move_by_staff(string wins)
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var visit = await service.ProposedAsync(staff, reporter);
        var later = new { starts_at = Work.Tomorrow.AddDays(3), ends_at = Work.Tomorrow.AddDays(3).AddHours(2) };

        Request confirm = () => reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/confirm", Work.Slot(visit));
        Request move = () => staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", later);
        var answers = await InLineAsync(OrderOf(visit), wins == "confirm" ? [confirm, move] : [move, confirm]);

        var confirmed = answers[wins == "confirm" ? 0 : 1];
        (confirmed.Status, confirmed.Status == 409 ? confirmed.Body.Code : null).ShouldBe(wins == "confirm" ? (200, null) : (409, "visit_moved"));
        (await service.VisitStateAsync(visit.Id)).ShouldBe(("proposed", later.starts_at));
    }

    [Theory]
    [InlineData("reporter")]
    [InlineData("staff")]
    public async Task A_reporter_who_moves_a_visit_gets_the_slot_that_they_chose_and_no_other(string wins)
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var (offered, other) = (Work.Tomorrow.AddDays(2), Work.Tomorrow.AddDays(3));
        var visit = await service.ProposedAsync(staff, reporter, [new { starts_at = offered, ends_at = offered.AddHours(1) }]);

        Request byReporter = () =>
            reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = offered, ends_at = offered.AddHours(1) });
        Request byStaff = () =>
            staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = other, ends_at = other.AddHours(2) });
        var answers = await InLineAsync(OrderOf(visit), wins == "reporter" ? [byReporter, byStaff] : [byStaff, byReporter]);

        answers.Select(answer => answer.Status).ShouldBe([200, 200]);
        (await service.VisitStateAsync(visit.Id)).ShouldBe(wins == "reporter" ? ("proposed", other) : ("confirmed", offered));

        // A slot that is offered no more cannot be chosen.
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{visit.Id}", new { alternatives = Array.Empty<object>() })).Status.ShouldBe(200);
        (await reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = offered, ends_at = offered.AddHours(1) })).Body.Code.ShouldBe("slot_not_offered");
    }

    [Fact]
    public async Task A_deleted_visit_is_gone_for_the_next_request_in_line()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var visit = await service.ProposedAsync(staff, reporter);

        var answers = await InLineAsync(
            OrderOf(visit), () => staff.SendAsync(HttpMethod.Delete, $"visits/{visit.Id}"), () => reporter.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/confirm", Work.Slot(visit)));

        answers.Select(answer => answer.Status).ShouldBe([204, 404]);
    }

    [Fact]
    public async Task The_last_two_visits_that_are_completed_at_once_complete_the_work_order()
    {
        using var staff = service.NewUser(Roles.Staff);
        var order = await staff.OrderAsync(await service.CrewAsync(), (await service.FileAsync()).Id);
        var (first, second) = (await staff.VisitAsync(order.Id, Work.Tomorrow), await staff.VisitAsync(order.Id, Work.Tomorrow.AddHours(2)));

        var answers = await InLineAsync(OrderOf(first), [.. new[] { first, second }.Select(visit => (Request)(() => staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/complete", new { outcome = "resolved" })))]);

        answers.Select(answer => answer.Status).ShouldBe([200, 200]);
        (await staff.ReadAsync($"{Root}/work-orders/{order.Id}")).Body.GetProperty("state").GetString().ShouldBe("completed");
    }

    [Fact]
    public async Task A_stranger_does_not_wait_for_a_lock()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        using var stranger = service.NewUser();
        var visit = await service.ProposedAsync(staff, reporter);
        await using var held = await HoldAsync(OrderOf(visit));

        var (status, _) = await stranger.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/confirm", Work.Slot(visit)).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);

        status.ShouldBe(404);
    }

    [Theory]
    [InlineData("PATCH", "")]
    [InlineData("DELETE", "")]
    [InlineData("POST", "/confirm")]
    [InlineData("POST", "/move")]
    [InlineData("POST", "/complete")]
    public async Task Of_two_changes_of_one_version_the_second_is_refused(string method, string path)
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var visit = await service.ProposedAsync(staff, reporter);
        object? body = path switch
        {
            "/confirm" => Work.Slot(visit),
            "/move" => new { starts_at = Work.Tomorrow.AddDays(1), ends_at = Work.Tomorrow.AddDays(1).AddHours(1) },
            _ => method == "DELETE" ? null : new { },
        };

        var answers = await InLineAsync(
            OrderOf(visit),
            () => staff.SendAsync(HttpMethod.Patch, $"visits/{visit.Id}", new { note = "Ring twice." }, "\"1\""),
            () => staff.SendAsync(new HttpMethod(method), $"visits/{visit.Id}{path}", body, "\"1\""));

        answers[0].Status.ShouldBe(200);
        answers[1].ShouldBeProblem(412, "precondition_failed");
        var kept = (await staff.ReadAsync($"{Root}/visits/{visit.Id}")).Body;
        (kept.GetProperty("state").GetString(), kept.GetProperty("note").GetString(), kept.GetProperty("version").GetInt32()).ShouldBe(("proposed", "Ring twice.", 2));
    }

    /// <summary>The slot is looked up after the lock: who gets it second learns which visit has it.</summary>
    [Theory]
    [InlineData("crew")]
    [InlineData("vehicle")]
    public async Task A_request_waits_for_another_one_of_its_crew_or_vehicle_and_names_the_visit(string resource)
    {
        using var staff = service.NewUser(Roles.Staff);
        var (id, order) = (resource == "crew" ? await service.CrewAsync() : await service.VehicleAsync(), (await staff.OrderAsync()).Id);
        await using var held = await HoldAsync($"SELECT FROM {resource}s WHERE id = '{id}' FOR NO KEY UPDATE");
        var other = await held.InsertVisitAsync((await staff.OrderAsync()).Id, resource, id);

        var waiting = ScheduleAsync(staff, order, resource, id, Work.Tomorrow.AddHours(1));
        await held.ReleaseAsync(waiting);

        var (status, problem) = await waiting;
        (status, problem.Code).ShouldBe((409, $"{resource}_busy"));
        problem.GetProperty("visit").Id.ShouldBe(other);
    }

    /// <summary>A visit that is written without the lock: the constraint refuses the second one.</summary>
    [Theory]
    [InlineData("crew")]
    [InlineData("vehicle")]
    public async Task A_slot_that_is_taken_past_the_lock_is_refused_by_the_constraint(string resource)
    {
        using var staff = service.NewUser(Roles.Staff);
        var (id, order) = (resource == "crew" ? await service.CrewAsync() : await service.VehicleAsync(), (await staff.OrderAsync()).Id);
        await using var held = await HoldAsync("SELECT");
        await held.InsertVisitAsync((await staff.OrderAsync()).Id, resource, id);

        var waiting = ScheduleAsync(staff, order, resource, id, Work.Tomorrow.AddHours(1));
        await held.ReleaseAsync(waiting);

        (await waiting).ShouldBeProblem(409, $"{resource}_busy");
    }

    [Theory]
    [InlineData("crew")]
    [InlineData("vehicle")]
    public async Task A_crew_or_vehicle_that_is_deleted_meanwhile_gets_no_visit(string resource)
    {
        using var staff = service.NewUser(Roles.Staff);
        var (id, order) = (resource == "crew" ? await service.CrewAsync() : await service.VehicleAsync(), (await staff.OrderAsync()).Id);
        await using var held = await HoldAsync($"DELETE FROM {resource}s WHERE id = '{id}'");

        var waiting = ScheduleAsync(staff, order, resource, id, Work.Tomorrow);
        await held.ReleaseAsync(waiting);

        (await waiting).ShouldBeProblem(409, "work_order_changed");
    }

    [Fact]
    public async Task A_visit_moves_within_its_own_slot_and_away_from_those_of_its_vehicle()
    {
        using var staff = service.NewUser(Roles.Staff);
        var (vehicle, order) = (await service.VehicleAsync(), (await staff.OrderAsync()).Id);
        var (_, first) = await ScheduleAsync(staff, order, "vehicle", vehicle, Work.Tomorrow);
        var (_, second) = await ScheduleAsync(staff, order, "vehicle", vehicle, Work.Tomorrow.AddHours(4));

        (await staff.SendAsync(HttpMethod.Post, $"visits/{first.Id}/move", new { starts_at = Work.Tomorrow.AddHours(1), ends_at = Work.Tomorrow.AddHours(3) })).Status.ShouldBe(200);
        var (status, problem) = await staff.SendAsync(HttpMethod.Post, $"visits/{first.Id}/move", new { starts_at = Work.Tomorrow.AddHours(3), ends_at = Work.Tomorrow.AddHours(5) });
        (status, problem.Code, problem.GetProperty("visit").Id).ShouldBe((409, "vehicle_busy", second.Id));

        var refused = await Should.ThrowAsync<PostgresException>(() => service.QueryAsync(
            database => database.Database.ExecuteSqlAsync($"UPDATE visits SET ends_at = ends_at + interval '90 minutes' WHERE id = {first.Id}", Cancelled)));
        refused.SqlState.ShouldBe(PostgresErrorCodes.ExclusionViolation);
    }

    public static TheoryData<string> ChangesOfReports => ["schedule", "confirm", "move", "missed", "complete", "delete"];

    /// <summary>A change that writes the history of reports waits for them, and continues their versions.</summary>
    [Theory]
    [MemberData(nameof(ChangesOfReports))]
    public async Task A_concurrent_change_of_a_report_is_not_lost(string change)
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var visit = await service.ProposedAsync(staff, reporter);
        var report = visit.GetProperty("report_id").GetGuid();
        var before = await service.VersionAsync(report);
        await using var held = await HoldAsync($"UPDATE reports SET version = version + 1 WHERE id = '{report}'");

        var waiting = SendAsync(staff, change, visit);
        await held.ReleaseAsync(waiting);

        (await waiting).Status.ShouldBeOneOf(200, 201, 204);
        (await service.VersionAsync(report)).ShouldBeGreaterThanOrEqualTo(before + 2);
        (await service.QueryAsync(database => database.StatusChanges.AnyAsync(row => row.ReportId == report && row.Version == before + 1))).ShouldBeFalse("the other change has this version");
    }

    [Theory]
    [MemberData(nameof(ChangesOfReports))]
    public async Task A_report_that_a_merge_puts_into_the_work_order_meanwhile_is_not_passed_over(string change)
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out _);
        var visit = await service.ProposedAsync(staff, reporter);
        var (report, original) = (visit.GetProperty("report_id").GetGuid(), (await service.FileAsync()).Id);
        var version = await service.VersionAsync(report);
        await using var held = await HoldAsync($"SELECT FROM reports WHERE id = '{report}' FOR NO KEY UPDATE");
        await held.ExecuteAsync($"UPDATE work_order_reports SET report_id = '{original}' WHERE report_id = '{report}'");

        var waiting = SendAsync(staff, change, visit);
        await held.ReleaseAsync(waiting);

        (await waiting).ShouldBeProblem(409, "work_order_changed");
        (await service.VisitStateAsync(visit.Id)).ShouldBe(("proposed", Work.Tomorrow));
        (await service.VersionAsync(report)).ShouldBe(version);
    }

    private static Task<(int Status, JsonElement Body)> SendAsync(HttpClient staff, string change, JsonElement visit) => change switch
    {
        "schedule" => staff.SendAsync(HttpMethod.Post, "visits", new
        {
            work_order_id = visit.GetProperty("work_order_id").GetGuid(),
            report_id = visit.GetProperty("report_id").GetGuid(),
            starts_at = Work.Tomorrow.AddDays(1),
            ends_at = Work.Tomorrow.AddDays(1).AddHours(1),
        }),
        "confirm" => staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/confirm", Work.Slot(visit)),
        "move" => staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = Work.Tomorrow.AddDays(1), ends_at = Work.Tomorrow.AddDays(1).AddHours(1) }),
        "missed" => staff.SendAsync(HttpMethod.Patch, $"visits/{visit.Id}", new { state = "missed" }),
        "complete" => staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/complete", new { outcome = "unresolved" }),
        _ => staff.SendAsync(HttpMethod.Delete, $"visits/{visit.Id}"),
    };

    private static Task<(int Status, JsonElement Body)> ScheduleAsync(HttpClient staff, Guid order, string resource, Guid id, DateTimeOffset starts) => staff.SendAsync(HttpMethod.Post, "visits", new
    {
        work_order_id = order,
        crew_id = resource == "crew" ? id : (Guid?)null,
        vehicle_id = resource == "vehicle" ? id : (Guid?)null,
        starts_at = starts,
        ends_at = starts.AddHours(2),
    });

    private static string OrderOf(JsonElement visit) => $"SELECT FROM work_orders WHERE id = '{visit.GetProperty("work_order_id").GetGuid()}' FOR UPDATE";

    /// <summary>Sends requests while something is locked, so that all of them are under way before the first one changes something.</summary>
    /// <returns>The answers. The requests get the lock in their order.</returns>
    private async Task<(int Status, JsonElement Body)[]> InLineAsync(string sql, params Request[] requests)
    {
        await using var held = await HoldAsync(sql);
        var sent = new List<Task<(int, JsonElement)>>();
        foreach (var request in requests)
        {
            sent.Add(request());
            await service.WaitForLineAsync(held.ProcessId, sent.Count);
        }

        await held.CommitAsync();
        return await Task.WhenAll(sent);
    }

    private async Task<Held> HoldAsync(string sql)
    {
        var connection = new NpgsqlConnection(service.Host.Database);
        await connection.OpenAsync(Cancelled);
        var held = new Held(service, connection, await connection.BeginTransactionAsync(Cancelled));
        await held.ExecuteAsync(sql);
        return held;
    }

    /// <summary>Another transaction.</summary>
    private sealed class Held(ReportingService service, NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
    {
        public int ProcessId => connection.ProcessID;

        public async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            await command.ExecuteNonQueryAsync(Cancelled);
        }

        /// <summary>Writes a visit of two hours tomorrow.</summary>
        /// <param name="order">Another work order than that of the request, which would wait for it.</param>
        public async Task<Guid> InsertVisitAsync(Guid order, string resource, Guid id)
        {
            var visit = Guid.CreateVersion7();
            await ExecuteAsync($"""
                INSERT INTO visits (id, work_order_id, {resource}_id, starts_at, ends_at, state, alternatives, created_at, updated_at, sequence, version)
                VALUES ('{visit}', '{order}', '{id}', '{Work.Tomorrow:O}', '{Work.Tomorrow.AddHours(2):O}', 'confirmed', '[]', now(), now(), 0, 1)
                """);
            return visit;
        }

        /// <summary>Commits once a request waits for this transaction.</summary>
        public async Task ReleaseAsync(Task<(int, JsonElement)> waiting)
        {
            await service.WaitForLockAsync(ProcessId);
            waiting.IsCompleted.ShouldBeFalse();
            await CommitAsync();
        }

        public Task CommitAsync() => transaction.CommitAsync(Cancelled);

        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
