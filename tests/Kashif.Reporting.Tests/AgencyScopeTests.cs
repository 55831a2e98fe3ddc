using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>What each caller may see and do with each report: role, agency, the report's agency and its visibility.</summary>
public sealed class AgencyScopeTests(ReportingService service)
{
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
