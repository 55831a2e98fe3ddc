using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Webhooks;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>What each caller may see and do with each report: role, agency, the report's agency and its visibility.</summary>
public sealed class AgencyScopeTests(ReportingService service)
{
    private const string Webhooks = $"{Root}/webhooks";

    /// <summary>Who calls. <c>Own</c> and <c>Other</c>: an employee of the report's agency, or of another; <c>Left</c>: a former employee of the report's agency.</summary>
    public enum Caller
    {
        Anonymous,
        Citizen,
        Staff,
        Own,
        Other,
        Left,
        Moderator,
        Admin,
    }

    public enum Visibility
    {
        Public,
        Private,
        Hidden,
    }

    public static MatrixTheoryData<Caller, bool, Visibility> Cases => new(Enum.GetValues<Caller>(), [true, false], Enum.GetValues<Visibility>());

    /// <param name="isRouted">Whether an agency is responsible for the report. No employee of an agency works on one that has none.</param>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Staff_work_on_the_reports_of_their_agency(Caller caller, bool isRouted, Visibility visibility)
    {
        var (agency, other) = (await AgencyAsync(), await AgencyAsync());
        using var reporter = service.Citizen(out _);
        using var client = await ClientAsync(caller, caller is Caller.Other ? other : agency);
        var id = await FileAsync(reporter, isRouted ? agency : null, visibility);
        var original = await FileAsync(reporter, isRouted ? agency : null, Visibility.Public);
        var works = caller switch
        {
            Caller.Staff or Caller.Moderator or Caller.Admin => true,
            Caller.Own => isRouted,
            _ => false,
        };
        var sees = works || visibility is Visibility.Public;
        var read = sees ? 200 : 404;
        var change = caller is Caller.Anonymous ? 401 : works ? 200 : sees ? 403 : 404;

        // What it reads: the reporter of an anonymous report is for those who work on it.
        var (status, report) = await client.ReadAsync($"{Root}/{id}");
        status.ShouldBe(read);
        if (sees)
        {
            (report.GetProperty("user_id").ValueKind is not JsonValueKind.Null).ShouldBe(works);
        }

        string[] parts = ["history", "timeline", "comments", "photos", "duplicates"];
        foreach (var part in parts)
        {
            (await client.ReadAsync($"{Root}/{id}/{part}")).Status.ShouldBe(read, part);
        }

        var isStaff = caller is not (Caller.Anonymous or Caller.Citizen);
        foreach (var (list, find) in new (string, Func<JsonElement, Guid>)[]
        {
            ($"{Root}/work?agency={(isRouted ? agency : "none")}", item => item.GetProperty("report").Id),
            ($"{Root}/moderation-queue?sort=oldest&state={(visibility is Visibility.Public ? "submitted" : visibility.ToString().ToLowerInvariant())}", item => item.GetProperty("report").Id),
        })
        {
            if (!isStaff)
            {
                (await client.ReadAsync(list)).Status.ShouldBe(caller is Caller.Anonymous ? 401 : 403, list);
                continue;
            }

            (await client.AllPagesAsync(list, 100)).Select(find).Contains(id).ShouldBe(works, list);
        }

        // What it changes. Comments are for everyone who sees the report; only those who work on it speak for the city.
        using (var commented = await client.PostAsJsonAsync($"{Root}/{id}/comments", new { text = "Seen." }, Cancelled))
        {
            ((int)commented.StatusCode).ShouldBe(caller is Caller.Anonymous ? 401 : sees ? 201 : 404);
            if (commented.IsSuccessStatusCode)
            {
                (await commented.JsonAsync()).GetProperty("by_staff").GetBoolean().ShouldBe(works);
            }
        }

        using var picture = new ByteArrayContent([1]) { Headers = { ContentType = new("image/jpeg") } };
        using var photo = await client.PostAsync($"{Root}/{id}/photos", picture, Cancelled);
        ((int)photo.StatusCode).ShouldBe(change == 200 ? 422 : change, "photo");
        (await client.ChangeStatusAsync(id, new { status = "verified" })).Status.ShouldBe(change, "status");
        (await client.ChangeStatusAsync(id, new { status = "duplicate", duplicate_of = original })).Status.ShouldBe(change, "merge");
        (await client.ChangeStatusAsync(id, new { status = "verified", comment = "No duplicate." })).Status.ShouldBe(change, "take back");
        (await client.ChangeStatusAsync(id, new { status = "rejected" })).Status.ShouldBe(change, "reject");
        (await SendAsync(client, HttpMethod.Post, $"{id}/reopen", new { reason = "Wrong." })).ShouldBe(change, "reopen");
        (await SendAsync(client, HttpMethod.Post, $"{id}/route", new { agency_id = isRouted ? agency : (Guid?)null })).ShouldBe(
            caller is Caller.Citizen ? 403 : change, "route");
        (await SendAsync(client, HttpMethod.Patch, $"{id}", new { category = "noise", hidden = true, reason = "Spam" })).ShouldBe(change, "edit");
        (await SendAsync(client, HttpMethod.Delete, $"{id}", null)).ShouldBe(
            change == 200 ? caller is Caller.Moderator or Caller.Admin ? 204 : await AfterEditAsync() : change, "delete");

        // The edit has given the report to none, and has hidden it.
        async Task<int> AfterEditAsync() => (await client.ReadAsync($"{Root}/{id}")).Status == 404 ? 404 : 403;
    }

    [Fact]
    public async Task An_employee_cannot_merge_into_a_report_that_they_do_not_see()
    {
        var (agency, other) = (await AgencyAsync(), await AgencyAsync());
        using var reporter = service.Citizen(out _);
        var duplicate = await FileAsync(reporter, agency, Visibility.Private);
        var original = await FileAsync(reporter, other, Visibility.Private);
        using var employee = await ClientAsync(Caller.Own, agency);

        var (status, body) = await employee.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = original });
        var (_, missing) = await employee.ChangeStatusAsync(duplicate, new { status = "duplicate", duplicate_of = Guid.CreateVersion7() });

        status.ShouldBe(400);
        body.GetProperty("errors").ToString().ShouldBe(missing.GetProperty("errors").ToString());
    }

    [Fact]
    public async Task The_work_of_one_employee_is_filtered()
    {
        var agency = await AgencyAsync();
        using var reporter = service.Citizen(out _);
        var (mine, free, closed) = (await FileAsync(reporter, agency, Visibility.Private), await FileAsync(reporter, agency, Visibility.Public), await FileAsync(reporter, agency, Visibility.Public));
        using var employee = await ClientAsync(Caller.Own, agency, out var id);
        await service.QueryAsync(database => database.Reports.Where(report => report.Id == mine).ExecuteUpdateAsync(set => set.SetProperty(report => report.AssigneeId, id), Cancelled));
        (await employee.ChangeStatusAsync(closed, new { status = "rejected" })).Status.ShouldBe(200);

        await ShouldBeAsync("", free, mine);
        await ShouldBeAsync("assignee=me&", mine);
        await ShouldBeAsync($"assignee={id}&", mine);
        await ShouldBeAsync("assignee=none&", free);
        await ShouldBeAsync("status=rejected&", closed);
        await ShouldBeAsync("agency=none&");
        await ShouldBeAsync($"area={Guid.CreateVersion7()}&");
        (await employee.ReadAsync($"{Root}/work?agency=x&assignee=y&status=z&cursor=!")).Body.BadFields.ShouldBe(["agency", "assignee", "cursor", "status"]);

        async Task ShouldBeAsync(string filter, params Guid[] expected) =>
            (await employee.AllPagesAsync($"{Root}/work?{filter}", 1)).Select(item => item.GetProperty("report").Id).ShouldBe(expected, filter);
    }

    [Fact]
    public async Task An_agency_has_at_most_twenty_webhooks_also_with_requests_at_once()
    {
        var agency = await AgencyAsync();
        var (manager, _) = await service.EmployAsync(agency, Job.Manager);

        var answers = await Task.WhenAll(Enumerable.Range(0, 22).Select(_ => PostAsync(manager, agency)));

        answers.Count(answer => answer.Status == 201).ShouldBe(20);
        answers.Where(answer => answer.Status != 201).Select(answer => answer.Body.Code).ShouldBe(["too_many_webhooks", "too_many_webhooks"]);
        foreach (var created in answers.Where(answer => answer.Status == 201))
        {
            (await manager.SendJsonAsync(HttpMethod.Delete, $"{Webhooks}/{created.Body.Id}")).Status.ShouldBe(204);
        }
    }

    [Fact]
    public async Task Webhooks_are_for_admins_and_the_managers_of_their_agency()
    {
        var (agency, other) = (await AgencyAsync(), await AgencyAsync());
        var (manager, managerId) = await service.EmployAsync(agency, Job.Manager);
        var (otherManager, _) = await service.EmployAsync(other, Job.Manager);
        var (dispatcher, _) = await service.EmployAsync(agency);
        using var admin = service.NewUser(Roles.Admin);
        var own = await CreateAsync(manager, null, agency);
        var also = await CreateAsync(manager, agency, agency);
        var others = await CreateAsync(admin, other, other);
        var citys = await CreateAsync(admin, null, null);
        Guid[] all = [own, also, others, citys];

        (await PostAsync(manager, other)).ShouldBeProblem(403, "forbidden");
        foreach (var client in new[] { manager, admin })
        {
            (await PostAsync(client, Guid.CreateVersion7())).Body.BadFields.ShouldBe(["agency_id"]);
        }

        (await ListAsync(manager)).ShouldBe([own, also], ignoreOrder: true);
        (await ListAsync(otherManager)).ShouldBe([others]);
        (await ListAsync(admin)).Where(all.Contains).ShouldBe(all, ignoreOrder: true);

        // For others they do not exist.
        var deliveries = all.ToDictionary(id => id, _ => Guid.CreateVersion7());
        await service.QueryAsync(database =>
        {
            var now = TimeProvider.System.GetUtcNow();
            database.AddRange(deliveries.Select(delivery => new WebhookDelivery
            {
                Id = delivery.Value,
                WebhookId = delivery.Key,
                EventId = Guid.CreateVersion7(),
                Type = ReportDeleted.Type,
                Payload = "{}",
                OccurredAt = now,
                CreatedAt = now,
                Status = DeliveryStatus.Dead,
                NextAttemptAt = now,
                GiveUpAt = now,
            }));
            return database.SaveChangesAsync(Cancelled);
        });
        foreach (var (client, id) in new[] { (manager, others), (manager, citys), (otherManager, own), (otherManager, citys) })
        {
            (await client.ReadAsync($"{Webhooks}/{id}/deliveries")).ShouldBeProblem(404, "not_found");
            (await client.SendJsonAsync(HttpMethod.Post, $"{Webhooks}/{id}/deliveries/{deliveries[id]}/replay")).ShouldBeProblem(404, "not_found");
            (await client.SendJsonAsync(HttpMethod.Delete, $"{Webhooks}/{id}")).ShouldBeProblem(404, "not_found");
        }

        foreach (var caller in new[] { Caller.Anonymous, Caller.Citizen, Caller.Staff, Caller.Own, Caller.Left, Caller.Moderator })
        {
            using var client = caller is Caller.Own ? dispatcher : await ClientAsync(caller, agency);
            var refused = caller is Caller.Anonymous ? 401 : 403;
            (await PostAsync(client, agency)).Status.ShouldBe(refused, $"{caller}");
            (await client.ReadAsync(Webhooks)).Status.ShouldBe(refused, $"{caller}");
            (await client.ReadAsync($"{Webhooks}/{own}/deliveries")).Status.ShouldBe(refused, $"{caller}");
            (await client.SendJsonAsync(HttpMethod.Post, $"{Webhooks}/{own}/deliveries/{deliveries[own]}/replay")).Status.ShouldBe(refused, $"{caller}");
            (await client.SendJsonAsync(HttpMethod.Delete, $"{Webhooks}/{own}")).Status.ShouldBe(refused, $"{caller}");
        }

        (await service.QueryAsync(database => database.WebhookDeliveries.CountAsync(row => all.Contains(row.WebhookId) && row.Status == DeliveryStatus.Dead, Cancelled))).ShouldBe(4);
        foreach (var (client, id) in new[] { (manager, own), (admin, others) })
        {
            (await client.AllPagesAsync($"{Webhooks}/{id}/deliveries?", 10)).ShouldHaveSingleItem().Id.ShouldBe(deliveries[id]);
            (await client.SendJsonAsync(HttpMethod.Post, $"{Webhooks}/{id}/deliveries/{deliveries[id]}/replay")).Status.ShouldBe(204);
        }

        // An agency with a webhook stays.
        var (status, problem) = await admin.SendJsonAsync(HttpMethod.Delete, $"{Root}/agencies/{other}");
        (status, problem.Code).ShouldBe((409, "agency_in_use"));
        problem.GetProperty("hangs_on").EnumerateArray().Select(one => (one.GetProperty("kind").GetString(), one.Id)).ShouldContain(("webhook", others));

        (await manager.SendJsonAsync(HttpMethod.Delete, $"{Webhooks}/{own}")).Status.ShouldBe(204);
        foreach (var id in new[] { also, others, citys })
        {
            (await admin.SendJsonAsync(HttpMethod.Delete, $"{Webhooks}/{id}")).Status.ShouldBe(204);
        }

        (await manager.AllPagesAsync($"{Root}/audit-trail?kind=webhook", 10)).Select(entry => (entry.GetProperty("action").GetString(), entry.GetProperty("subject_id").GetGuid()))
            .ShouldBe([("created", own), ("created", also), ("deleted", own), ("deleted", also)], ignoreOrder: true);

        await service.QueryAsync(database => database.Employees.Where(row => row.UserId == managerId).ExecuteUpdateAsync(set => set.SetProperty(row => row.Job, Job.Dispatcher), Cancelled));
        (await manager.ReadAsync(Webhooks)).Status.ShouldBe(403, "no manager any more");

        async Task<Guid> CreateAsync(HttpClient client, Guid? of, Guid? expected)
        {
            var (created, body) = await PostAsync(client, of);
            created.ShouldBe(201, body.ToString());
            var id = body.GetProperty("agency_id");
            (id.ValueKind is JsonValueKind.Null ? (Guid?)null : id.GetGuid()).ShouldBe(expected);
            return body.Id;
        }

        static async Task<List<Guid>> ListAsync(HttpClient client) => (await client.AllPagesAsync($"{Webhooks}?", 1)).ConvertAll(item => item.Id);
    }

    [Fact]
    public async Task A_webhook_of_an_agency_that_is_being_deleted_is_refused()
    {
        var agency = await AgencyAsync();
        using var admin = service.NewUser(Roles.Admin);
        await using var deletion = new NpgsqlConnection(service.Host.Database);
        await deletion.OpenAsync(Cancelled);
        await using var transaction = await deletion.BeginTransactionAsync(Cancelled);
        await using var delete = new NpgsqlCommand("DELETE FROM agencies WHERE id = $1", deletion) { Parameters = { new() { Value = agency } } };
        await delete.ExecuteNonQueryAsync(Cancelled);

        var creating = PostAsync(admin, agency);
        await service.WaitForLockAsync(deletion.ProcessID);
        await transaction.CommitAsync(Cancelled);

        var (status, body) = await creating;
        (status, string.Join(' ', body.BadFields)).ShouldBe((400, "agency_id"));
    }

    [Fact]
    public async Task Reporters_of_Open311_are_for_the_staff_of_their_report()
    {
        var (agency, other) = (await AgencyAsync(), await AgencyAsync());
        using var reporter = service.Citizen(out _);
        var report = await FileAsync(reporter, agency, Visibility.Public);
        var (placed, unplaced) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await service.QueryAsync(async database =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var key = new ApiKey { Id = Guid.CreateVersion7(), Name = "City app", Prefix = "kashif_311_abc", Hash = ApiKey.HashOf(ApiKey.NewKey()), CreatedAt = now };
            database.AddRange(key, SubmissionOf(placed, key.Id, report, now), SubmissionOf(unplaced, key.Id, null, now));
            return await database.SaveChangesAsync(Cancelled);
        });
        using var own = await ClientAsync(Caller.Own, agency);
        using var stranger = await ClientAsync(Caller.Other, other);
        using var staff = service.NewUser(Roles.Staff);
        var path = $"{Root}/open311/requests?report_id={report}&";

        (await own.AllPagesAsync(path, 100)).ShouldHaveSingleItem().Id.ShouldBe(placed);
        (await staff.AllPagesAsync(path, 100)).ShouldHaveSingleItem();
        (await stranger.AllPagesAsync(path, 100)).ShouldBeEmpty();
        (await own.AllPagesAsync($"{Root}/open311/requests?unplaced=true&", 100)).ShouldBeEmpty();
        (await SendAsync(own, HttpMethod.Post, $"open311/requests/{unplaced}/place", new { latitude = 1, longitude = 2 })).ShouldBe(404);
        (await SendAsync(staff, HttpMethod.Post, $"open311/requests/{unplaced}/place", new { latitude = 1, longitude = 2 })).ShouldBe(200);
    }

    /// <summary>Creates a webhook without a receiver.</summary>
    private static Task<(int Status, JsonElement Body)> PostAsync(HttpClient client, Guid? agency) =>
        client.SendJsonAsync(HttpMethod.Post, Webhooks, new { url = "http://127.0.0.1:1/", events = new[] { ReportMerged.Type }, agency_id = agency });

    private static Submission SubmissionOf(Guid id, Guid key, Guid? report, DateTimeOffset now) =>
        new() { Id = id, KeyId = key, ReportId = report, ServiceCode = "pothole", Description = "A hole", Email = "a@b.example", CreatedAt = now };

    private static async Task<int> SendAsync(HttpClient client, HttpMethod method, string path, object? body)
    {
        using var request = new HttpRequestMessage(method, $"{Root}/{path}") { Content = body is null ? null : JsonContent.Create(body) };
        using var response = await client.SendAsync(request, Cancelled);
        return (int)response.StatusCode;
    }

    private async Task<Guid> AgencyAsync()
    {
        var agency = new Agency { Id = Guid.CreateVersion7(), NameEn = $"n{Guid.CreateVersion7():N}", NameAr = "جهة", CreatedAt = TimeProvider.System.GetUtcNow() };
        await service.QueryAsync(database =>
        {
            database.Add(agency);
            return database.SaveChangesAsync(Cancelled);
        });
        return agency.Id;
    }

    private Task<HttpClient> ClientAsync(Caller caller, Guid agency) => ClientAsync(caller, agency, out _);

    private Task<HttpClient> ClientAsync(Caller caller, Guid agency, out Guid id)
    {
        var user = id = Guid.CreateVersion7();
        return OpenAsync();

        async Task<HttpClient> OpenAsync()
        {
            if (caller is Caller.Own or Caller.Other or Caller.Left)
            {
                await service.QueryAsync(database =>
                {
                    database.Add(new Employee { UserId = user, AgencyId = agency, Name = "Salma", Active = caller is not Caller.Left, CreatedAt = TimeProvider.System.GetUtcNow() });
                    return database.SaveChangesAsync(Cancelled);
                });
            }

            return caller switch
            {
                Caller.Anonymous => service.Host.Anonymous(),
                Caller.Citizen => service.Host.As(user),
                Caller.Moderator => service.Host.As(user, Roles.Moderator),
                Caller.Admin => service.Host.As(user, Roles.Admin),
                _ => service.Host.As(user, Roles.Staff),
            };
        }
    }

    /// <summary>An anonymous report at a place without areas.</summary>
    private async Task<Guid> FileAsync(HttpClient reporter, Guid? agency, Visibility visibility)
    {
        using var filed = await reporter.PostReportAsync(
            new { title = "A deep hole", description = "In the lane.", category = "pothole", latitude = -85, longitude = 20, anonymous = true, @private = visibility is Visibility.Private });
        var id = (await filed.JsonAsync()).Id;
        await service.QueryAsync(database => database.Reports.Where(report => report.Id == id).ExecuteUpdateAsync(
            set => set.SetProperty(report => report.AgencyId, agency).SetProperty(report => report.RoutedByHand, agency != null).SetProperty(report => report.Hidden, visibility is Visibility.Hidden),
            Cancelled));
        return id;
    }
}
