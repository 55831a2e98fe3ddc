using System.Net;
using System.Text;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Creating a report: validation, idempotency, the stored row and the event.</summary>
public sealed class CreateTests(ReportingService service)
{
    [Fact]
    public async Task A_created_report_is_returned_stored_and_published()
    {
        using var client = service.Citizen(out var user);

        using var response = await client.PostReportAsync(new
        {
            title = "  حفرة عميقة  ",
            description = "In the right lane.",
            category = "pothole",
            latitude = 24.7136,
            longitude = 46.6753,
            address = "King Fahd Road",
        });

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        var report = await response.JsonAsync();
        (response.Headers.Location?.OriginalString).ShouldBe($"{Root}/{report.Id}");
        report.Id.Version.ShouldBe(7);
        report.EnumerateObject().Select(property => property.Name).ShouldBe(
            ["id", "user_id", "title", "description", "category", "status", "latitude", "longitude", "address", "created_at", "updated_at", "due_at", "expected_at", "version",
                "anonymous", "private", "hidden", "votes", "comments", "photos"]);
        report.GetProperty("user_id").GetGuid().ShouldBe(user);
        report.GetProperty("title").GetString().ShouldBe("حفرة عميقة");
        report.GetProperty("status").GetString().ShouldBe("submitted");
        report.GetProperty("latitude").GetDouble().ShouldBe(24.7136);
        report.GetProperty("longitude").GetDouble().ShouldBe(46.6753);
        report.GetProperty("version").GetInt32().ShouldBe(1);
        report.GetProperty("created_at").GetString().ShouldNotBeNull().ShouldMatch(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$");

        var (status, read) = await service.Host.Anonymous().ReadAsync(response.Headers.Location?.OriginalString ?? "");
        status.ShouldBe(200);
        read.ToString().ShouldBe(report.ToString());

        var envelope = await service.Tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == report.Id);
        envelope.GetProperty("source").GetString().ShouldBe("/kashif/reporting");
        envelope.GetProperty("subject").GetString().ShouldBe(report.Id.ToString());
        JsonElement.DeepEquals(envelope.GetProperty("data"), JsonSerializer.SerializeToElement(new
        {
            report_id = report.Id,
            user_id = user,
            title = "حفرة عميقة",
            category = "pothole",
            latitude = 24.7136,
            longitude = 46.6753,
            @private = false,
            anonymous = false,
        })).ShouldBeTrue(envelope.ToString());
    }

    [Fact]
    public async Task An_invalid_report_returns_every_bad_field()
    {
        using var client = service.Citizen(out _);

        using var response = await client.PostReportAsync(new
        {
            title = "  x  ",
            description = new string('d', 4001),
            category = "",
            latitude = 90.001,
            longitude = -180.001,
            address = new string('a', 301),
        });

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync()).BadFields.ShouldBe(["address", "category", "description", "latitude", "longitude", "title"]);
    }

    [Theory]
    [InlineData("{}", "category,description,latitude,longitude,title")]
    [InlineData("""{"title":null,"description":5,"category":["pothole"],"latitude":"24","longitude":1e999}""", "category,description,latitude,longitude,title")]
    [InlineData("""{"title":"A deep hole","description":"","category":"pothole","latitude":NaN,"longitude":1}""", "body")]
    [InlineData("""{"title":"A \u202eeloh","description":"","category":"pothole","latitude":1,"longitude":1}""", "title")]
    [InlineData("""{"title":"A\u0000hole","description":"","category":"pothole","latitude":1,"longitude":1}""", "title")]
    [InlineData("""{"title":"A deep hole","description":"","category":"black_hole","latitude":1,"longitude":1}""", "category")]
    [InlineData("[]", "body")]
    public async Task A_malformed_body_returns_400_with_every_bad_field(string body, string fields)
    {
        using var client = service.Citizen(out _);

        using var response = await client.PostAsync(Root, new StringContent(body, Encoding.UTF8, "application/json"), Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        var problem = await response.JsonAsync();
        problem.BadFields.ShouldBe(fields.Split(','));
        problem.Code.ShouldBe("invalid_request");
    }

    [Theory]
    [InlineData(3, 0, -90, -180)]
    [InlineData(200, 4000, 90, 180)]
    public async Task Values_at_the_limits_are_accepted(int title, int description, double latitude, double longitude)
    {
        using var client = service.Citizen(out _);

        using var response = await client.PostReportAsync(new
        {
            title = new string('ت', title),
            description = new string('d', description),
            category = "other",
            latitude,
            longitude,
            address = description == 0 ? null : new string('a', 300),
            unknown = "ignored",
        });

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Only_users_can_create_reports()
    {
        using var anonymous = service.Host.Anonymous();
        using var other = service.Host.AsService();
        var body = new { title = "A deep hole", description = "", category = "pothole", latitude = 1, longitude = 1 };

        (await anonymous.PostReportAsync(body)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await other.PostReportAsync(body)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await anonymous.GetAsync($"{Root}/my-reports", Cancelled)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Twenty_concurrent_posts_with_one_key_create_one_report_and_one_event()
    {
        using var client = service.Citizen(out var user);
        var body = new { title = "Posted twenty times", description = "", category = "noise", latitude = 3, longitude = 3 };

        var responses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.PostReportAsync(body, "twenty")));

        responses.ShouldAllBe(response => response.StatusCode == HttpStatusCode.Created || response.StatusCode == HttpStatusCode.Conflict);
        var stored = (await service.QueryAsync(database => database.Reports.Where(report => report.UserId == user).ToListAsync(Cancelled))).ShouldHaveSingleItem();
        foreach (var response in responses.Where(response => response.StatusCode == HttpStatusCode.Created))
        {
            (await response.JsonAsync()).Id.ShouldBe(stored.Id);
        }

        using var replay = await client.PostReportAsync(body, "twenty");
        replay.StatusCode.ShouldBe(HttpStatusCode.Created);
        replay.Headers.GetValues("Idempotency-Replayed").ShouldBe(["true"]);
        (replay.Headers.Location?.OriginalString).ShouldBe($"{Root}/{stored.Id}");

        await service.Tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == stored.Id);
        await Eventually.TrueAsync(
            () => service.QueryAsync(async database => !await database.Set<OutboxMessage>().AnyAsync(
                message => EF.Functions.JsonContains(message.Payload, $$"""{"user_id":"{{user}}"}"""), Cancelled)),
            "the publishing of the user's events");
        service.Tap.Envelopes(ReportCreated.Type).Count(envelope => envelope.GetProperty("data").GetProperty("user_id").GetGuid() == user).ShouldBe(1);
    }

    [Fact]
    public async Task Another_body_with_the_same_key_returns_422()
    {
        using var client = service.Citizen(out _);
        await client.PostReportAsync(new { title = "The first", description = "", category = "noise", latitude = 3, longitude = 3 }, "key");

        using var other = await client.PostReportAsync(new { title = "The second", description = "", category = "noise", latitude = 3, longitude = 3 }, "key");

        other.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity);
    }

    [Fact]
    public async Task A_report_and_its_event_are_written_in_one_transaction()
    {
        // Without a relay the outbox keeps the messages that the request wrote.
        await using var host = await service.StartAnotherAsync(0, configure: services =>
            services.Remove(services.Single(descriptor => descriptor.ImplementationType?.Name.StartsWith("OutboxRelay", StringComparison.Ordinal) == true)));
        using var client = host.As(Guid.CreateVersion7());

        var report = await client.FileAsync();

        await using var scope = host.Services.CreateAsyncScope();
        var message = (await scope.ServiceProvider.GetRequiredService<DbContext>().Set<OutboxMessage>().ToListAsync(Cancelled)).ShouldHaveSingleItem();
        message.Type.ShouldBe(ReportCreated.Type);
        message.Subject.ShouldBe(report.Id.ToString());
        message.TraceParent.ShouldNotBeNull();
        message.OccurredAt.ShouldBe(report.GetProperty("created_at").GetDateTimeOffset());
    }
}
