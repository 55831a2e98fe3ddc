using System.Net;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Customer service files in the name of people who report by phone or at the counter.</summary>
public sealed class CustomerTests(ReportingService service)
{
    [Theory]
    [InlineData(Roles.Counter)]
    [InlineData(Roles.Admin)]
    public async Task A_report_in_a_customers_name_is_the_customers(string role)
    {
        var (customer, clerkId) = (NewCustomer(), Guid.CreateVersion7());
        using var clerk = service.Host.As(clerkId, role);

        using var filed = await clerk.PostReportAsync(Body(customer, anonymous: true));

        filed.StatusCode.ShouldBe(HttpStatusCode.Created, await filed.Content.ReadAsStringAsync(Cancelled));
        var report = await filed.JsonAsync();
        report.GetProperty("user_id").GetGuid().ShouldBe(customer);
        service.Issuer.Customers[customer].ShouldBe(clerk.DefaultRequestHeaders.Authorization?.ToString()); // asked with the employee's own token
        var data = (await service.Tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == report.Id)).GetProperty("data");
        data.GetProperty("user_id").GetGuid().ShouldBe(customer);

        // The history says who filed it, also to the public of an anonymous report, which does not learn whose it is.
        using var anonymous = service.Host.Anonymous();
        var (_, history) = await anonymous.ReadAsync($"{Root}/{report.Id}/history");
        history.GetProperty("items")[0].GetProperty("changed_by").GetGuid().ShouldBe(clerkId);
        (await anonymous.ReadAsync($"{Root}/{report.Id}")).Body.GetProperty("user_id").ValueKind.ShouldBe(JsonValueKind.Null);
        using var person = service.Host.As(customer);
        (await person.AllPagesAsync($"{Root}/my-reports?", 10)).Select(own => own.Id).ShouldBe([report.Id]);
        (await clerk.AllPagesAsync($"{Root}/my-reports?", 10)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Others_cannot_file_in_another_name()
    {
        var customer = NewCustomer();
        foreach (var role in new[] { Roles.Citizen, Roles.Partner, Roles.Staff, Roles.Moderator })
        {
            using var other = service.NewUser(role);
            using var refused = await other.PostReportAsync(Body(customer));
            ((int)refused.StatusCode, (await refused.JsonAsync()).Code).ShouldBe((403, "forbidden"), role);
        }

        // Auth knows no such customer: a normal user's account, or none.
        using var clerk = service.NewUser(Roles.Counter);
        using var unknown = await clerk.PostReportAsync(Body(Guid.CreateVersion7()));
        ((int)unknown.StatusCode, (await unknown.JsonAsync()).Code).ShouldBe((422, "unknown_customer"));
        using var own = await clerk.PostReportAsync(Body(null));
        own.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task While_Auth_does_not_answer_nothing_is_filed()
    {
        await using var host = await service.StartAnotherAsync(0, configure: services => services.AddHttpClient<CustomerAccounts>().ConfigurePrimaryHttpMessageHandler(() => new Refusing()));
        using var clerk = host.As(Guid.CreateVersion7(), Roles.Counter);

        using var refused = await clerk.PostReportAsync(Body(NewCustomer()));

        ((int)refused.StatusCode, (await refused.JsonAsync()).Code).ShouldBe((503, "auth_unavailable"));
        (await clerk.PostReportAsync(Body(null))).StatusCode.ShouldBe(HttpStatusCode.Created); // own reports need no look-up
    }

    [Fact]
    public async Task The_quota_is_the_employees_and_higher()
    {
        await using var host = await service.StartAnotherAsync(reportsPerHour: 1, settings: new() { ["Reporting:CounterReportsPerHour"] = "5" });
        using var clerk = host.As(Guid.CreateVersion7(), Roles.Counter);

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => clerk.PostReportAsync(Body(NewCustomer()))));

        answers.Count(answer => answer.StatusCode == HttpStatusCode.Created).ShouldBe(5);
        var refused = answers.First(answer => answer.StatusCode != HttpStatusCode.Created);
        (await refused.JsonAsync()).Code.ShouldBe("report_quota_exceeded");
        refused.Headers.RetryAfter.ShouldNotBeNull();
    }

    [Fact]
    public async Task Erasing_the_customer_erases_the_stored_answers_of_the_employee()
    {
        var customer = NewCustomer();
        using var clerk = service.NewUser(Roles.Counter);
        using var filed = await clerk.PostReportAsync(Body(customer), key: "once");
        var report = (await filed.JsonAsync()).Id;

        await service.Tap.EraseAsync(customer, ResourceNames.Reporting);

        (await DatabaseScan.TablesWithAsync(service.Host.Database, customer.ToString())).Except(["outbox", "erased_users"]).ShouldBeEmpty();
        using var anonymous = service.Host.Anonymous();
        (await anonymous.ReadAsync($"{Root}/{report}")).Body.GetProperty("user_id").GetGuid().ShouldBe(Guid.Empty);
    }

    [Fact]
    public async Task A_batch_files_in_customers_names_by_the_same_rule()
    {
        var customer = NewCustomer();
        var clerkId = Guid.CreateVersion7();
        using var clerk = service.Host.As(clerkId, Roles.Counter);
        object[] reports = [Offline("1", customer), Offline("2", Guid.CreateVersion7()), Offline("3", null)];

        var (status, body) = await clerk.SendJsonAsync(HttpMethod.Post, $"{Root}/batch", new { reports });

        status.ShouldBe(200, body.ToString());
        var items = body.GetProperty("items").EnumerateArray().ToArray();
        items.Select(item => item.GetProperty("outcome").GetString()).ShouldBe(["created", "invalid", "created"]);
        items[1].BadFields.ShouldBe(["on_behalf_of"]);
        var filed = items[0].GetProperty("report_id").GetGuid();
        using var anonymous = service.Host.Anonymous();
        (await anonymous.ReadAsync($"{Root}/{filed}")).Body.GetProperty("user_id").GetGuid().ShouldBe(customer);
        (await anonymous.ReadAsync($"{Root}/{filed}/history")).Body.GetProperty("items")[0].GetProperty("changed_by").GetGuid().ShouldBe(clerkId);
        (await clerk.AllPagesAsync($"{Root}/my-reports?", 10)).Select(own => own.Id).ShouldBe([items[2].GetProperty("report_id").GetGuid()]);

        // The person takes the account over; what was filed stays so.
        service.Issuer.Customers.TryRemove(customer, out _).ShouldBeTrue();
        var again = (await clerk.SendJsonAsync(HttpMethod.Post, $"{Root}/batch", new { reports })).Body.GetProperty("items").EnumerateArray();
        again.Select(item => item.GetProperty("outcome").GetString()).ShouldBe(["exists", "invalid", "exists"]);

        using var citizen = service.Citizen(out _);
        (await citizen.SendJsonAsync(HttpMethod.Post, $"{Root}/batch", new { reports = new[] { Offline("1", null), Offline("2", NewCustomer()) } })).ShouldBeProblem(403, "forbidden");
        (await citizen.AllPagesAsync($"{Root}/my-reports?", 10)).ShouldBeEmpty();
    }

    private static object Offline(string clientId, Guid? customer) => new
    {
        client_id = clientId,
        captured_at = TimeProvider.System.GetUtcNow(),
        title = "A deep hole",
        description = "At the counter.",
        category = "pothole",
        latitude = 24.7,
        longitude = 46.7,
        on_behalf_of = customer,
    };

    private sealed class Refusing : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new HttpRequestException("Connection refused."));
    }

    private Guid NewCustomer()
    {
        var id = Guid.CreateVersion7();
        service.Issuer.Customers[id] = "";
        return id;
    }

    private static object Body(Guid? customer, bool anonymous = false) =>
        new { title = "A deep hole", description = "By phone.", category = "pothole", latitude = 24.7, longitude = 46.7, anonymous, on_behalf_of = customer };
}
