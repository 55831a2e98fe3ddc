using System.Net.Http.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Reporting.Data;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Reporting.Tests;

/// <summary>Deleting a user keeps their reports, anonymised.</summary>
[Collection(typeof(Alone))]
public sealed class ErasureTests(ReportingService service)
{
    [Fact]
    public async Task A_deleted_users_reports_stay_without_an_author()
    {
        using var citizen = service.Citizen(out var user);
        using var filed = await citizen.PostReportAsync(
            new { title = "A deep hole", description = "In the right lane.", category = "pothole", latitude = 24.7, longitude = 46.7 }, key: "once");
        var report = (await filed.JsonAsync()).Id;
        (await citizen.ChangeStatusAsync(report, new { status = "withdrawn" })).Status.ShouldBe(200);
        var before = await service.VersionAsync(report);
        var updatedAt = await service.QueryAsync(database => database.Reports.Where(row => row.Id == report).Select(row => row.UpdatedAt).SingleAsync(TestContext.Current.CancellationToken));

        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, user.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        using var anonymous = service.Host.Anonymous();
        var (status, kept) = await anonymous.ReadAsync($"{ReportingClient.Root}/{report}");
        status.ShouldBe(200);
        kept.GetProperty("title").GetString().ShouldBe("A deep hole");
        kept.GetProperty("user_id").GetGuid().ShouldBe(Guid.Empty);
        kept.GetProperty("version").GetInt32().ShouldBe(before + 1);

        // The same time on all reports of a user would tell the public that they were one person's, and its history does not say why.
        kept.GetProperty("updated_at").GetDateTimeOffset().ShouldBe(updatedAt);
        using var staff = service.NewUser(Roles.Staff);
        var last = (await staff.AllPagesAsync($"{ReportingClient.Root}/{report}/history?", 10))[^1];
        (last.GetProperty("version").GetInt32(), last.GetProperty("kind").GetString(), last.GetProperty("to").GetString()).ShouldBe((before + 1, "edited", "withdrawn"));
        last.GetProperty("at").GetDateTimeOffset().ShouldBeGreaterThan(updatedAt);
        last.GetProperty("fields").EnumerateArray().Select(field => field.GetString()).ShouldBe(["reporter"]);
        last.GetProperty("changed_by").GetGuid().ShouldBe(Guid.Empty);
        (await anonymous.AllPagesAsync($"{ReportingClient.Root}/{report}/history?", 10)).Select(entry => entry.GetProperty("version").GetInt32()).ShouldBe([1, before]);
    }

    [Fact]
    public async Task Erasure_and_export_read_by_index()
    {
        using var citizen = service.Citizen(out var user);
        using var queries = PersonQueries.Record(user);
        using var auth = service.Host.AsService();

        await auth.ReadAsync($"/internal/v1/users/{user}/export");
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        (await queries.ScansAsync(service.Host.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_redelivered_deletion_sends_one_receipt_and_a_new_one_another()
    {
        using var citizen = service.Citizen(out var user);
        await citizen.FileAsync();
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);
        var id = Guid.CreateVersion7();

        // The user creates another report with a token that is still valid.
        var late = (await citizen.FileAsync()).Id;
        for (var time = 0; time < 5; time++)
        {
            await service.Tap.PublishAsync(new UserDeleted(user), id);
        }

        await Eventually.TrueAsync(() => service.Tap.Receipts(user, ResourceNames.Reporting).Count >= 2, "the second receipt");
        (await service.QueryAsync(database => database.Reports.SingleAsync(row => row.Id == late))).UserId.ShouldBe(Guid.Empty);
        await service.Tap.EraseAsync(Guid.CreateVersion7(), ResourceNames.Reporting); // Queued after the five.
        service.Tap.Receipts(user, ResourceNames.Reporting).Count.ShouldBe(2);
    }

    [Fact]
    public async Task The_export_has_all_answers_and_a_deletion_erases_private_texts()
    {
        var category = await QuestionTests.AskAsync(service, QuestionTests.Questions);
        using var owner = service.Citizen(out var user);
        using var auth = service.Host.AsService();
        var id = (await QuestionTests.FileAsync(owner, category, new { size = "big", mark = "Public words", phone = "Private words" })).Body.Id;

        var export = (await auth.ReadAsync($"/internal/v1/users/{user}/export")).Body.GetProperty("answers");
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        export.EnumerateArray().Select(answer => $"{answer.GetProperty("question")}={answer.GetProperty("value")}").ShouldBe(["mark=Public words", "phone=Private words", "size=big"]);
        (await service.QueryAsync(async database => await database.ReportAnswers.Where(answer => answer.ReportId == id).Select(answer => answer.Question).OrderBy(code => code).ToListAsync(ReportingClient.Cancelled)))
            .ShouldBe(["mark", "size"]);
    }

    [Fact]
    public async Task A_deletion_erases_what_staff_noted_for_a_visit()
    {
        using var owner = service.Citizen(out var user);
        using var staff = service.NewUser(Roles.Staff);
        var visit = await service.ProposedAsync(staff, owner);
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{visit.Id}", new { note = "The key is at Sami's." })).Status.ShouldBe(200);
        using (var confirm = new HttpRequestMessage(HttpMethod.Post, $"{ReportingClient.Root}/visits/{visit.Id}/confirm"))
        {
            confirm.Content = JsonContent.Create(new { starts_at = visit.GetProperty("starts_at"), ends_at = visit.GetProperty("ends_at") });
            confirm.Headers.Add("Idempotency-Key", "confirm"); // the answer that is stored has the note
            (await (await staff.SendAsync(confirm)).JsonAsync()).GetProperty("note").GetString().ShouldBe("The key is at Sami's.");
        }

        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        (await staff.ReadAsync($"{ReportingClient.Root}/visits/{visit.Id}")).Body.ToString().ShouldNotContain("Sami");
        (await DatabaseScan.TablesWithAsync(service.Host.Database, "The key is at Sami")).Except(["outbox"]).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_batch_of_deletions_locks_the_crews_of_all_before_a_report_of_any_like_a_visit()
    {
        using var citizen = service.Citizen(out var user);
        var report = (await citizen.FileAsync()).Id;
        var (_, member) = await service.EmployAsync(agency: null);
        var crew = await service.CrewAsync();
        await service.QueryAsync(async database =>
        {
            database.CrewMembers.Add(new CrewMember { CrewId = crew, UserId = member });
            return await database.SaveChangesAsync(ReportingClient.Cancelled);
        });
        await using var visit = new NpgsqlConnection(service.Host.Database);
        await visit.OpenAsync(ReportingClient.Cancelled);
        await using var transaction = await visit.BeginTransactionAsync(ReportingClient.Cancelled);
        await ExecuteAsync($"SELECT FROM crews WHERE id = '{crew}' FOR NO KEY UPDATE");

        var erasure = EraseAsync([user, member]);
        await service.WaitForLockAsync(visit.ProcessID);

        await ExecuteAsync($"SELECT FROM reports WHERE id = '{report}' FOR NO KEY UPDATE NOWAIT");
        await transaction.CommitAsync(ReportingClient.Cancelled);
        await erasure;
        (await service.QueryAsync(database => database.Reports.Where(row => row.Id == report).Select(row => row.UserId).SingleAsync(ReportingClient.Cancelled))).ShouldBe(ErasedUser.Id);

        async Task EraseAsync(Guid[] users)
        {
            await using var scope = service.Host.Services.CreateAsyncScope();
            var database = scope.ServiceProvider.GetRequiredService<ReportingDbContext>();
            await using var batch = await database.Database.BeginTransactionAsync(ReportingClient.Cancelled);
            await scope.ServiceProvider.GetRequiredService<ReportingErasure>().HandleAsync(
                [.. users.Select(id => new ReceivedEvent<UserDeleted>(Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), new EventCause(null, null), new UserDeleted(id)))], ReportingClient.Cancelled);
            await database.SaveChangesAsync(ReportingClient.Cancelled);
            await batch.CommitAsync(ReportingClient.Cancelled);
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, visit, transaction);
            await command.ExecuteNonQueryAsync(ReportingClient.Cancelled);
        }
    }

    [Fact]
    public async Task Only_services_can_export_and_the_export_has_all_reports()
    {
        using var citizen = service.Citizen(out var user);
        await service.SeedAsync([.. Enumerable.Repeat((24.7, 46.7), 10_000)], userId: user);
        var path = $"/internal/v1/users/{user}/export";
        using var auth = service.Host.AsService();

        var (status, export) = await auth.ReadAsync(path);

        status.ShouldBe(200);
        export.GetProperty("reports").EnumerateArray().Select(report => report.Id).Distinct().Count().ShouldBe(10_000);
        (await citizen.ReadAsync(path)).Status.ShouldBe(403);
        using var coupons = service.Host.AsService(Security.ServiceScopes.DebitPoints);
        (await coupons.ReadAsync(path)).Status.ShouldBe(403);
        (await auth.ReadAsync($"/internal/v1/users/{Guid.CreateVersion7()}/export")).Body.GetProperty("reports").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task A_report_without_an_author_can_still_change_status()
    {
        using var citizen = service.Citizen(out var user);
        var report = (await citizen.FileAsync()).Id;
        await service.Tap.EraseAsync(user, ResourceNames.Reporting);

        using var staff = service.NewUser(Roles.Staff);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);

        var published = await service.Tap.WaitForAsync(ReportStatusUpdated.Type, data => data.GetProperty("report_id").GetGuid() == report);
        published.GetProperty("data").GetProperty("user_id").GetGuid().ShouldBe(Guid.Empty);
    }
}

/// <summary>Runs alone: hosts of other tests, on other databases, consume from the same queue.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;
