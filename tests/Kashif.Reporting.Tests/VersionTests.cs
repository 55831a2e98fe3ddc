using System.Net.Http.Json;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Entries with a version: the next change can name it in <c>If-Match</c>.</summary>
public sealed class VersionTests(ReportingService service)
{
    public static TheoryData<string> Collections => [.. Bodies.Keys.Select(path => path.Length == 0 ? "reports" : path)];

    /// <summary>Something to create in each collection, by its path below the root. The queries write what it refers to.</summary>
    private static Dictionary<string, Func<ReportingService, HttpClient, Task<object>>> Bodies { get; } = new()
    {
        [""] = (_, _) => Task.FromResult<object>(new { title = "A deep hole", description = "In the lane.", category = "pothole", latitude = 24.7, longitude = 46.7 }),
        ["agencies"] = (_, _) => Task.FromResult<object>(new { name_en = Name(), name_ar = Name() }),
        ["areas"] = (_, _) => Task.FromResult<object>(new
        {
            name_en = Name(),
            name_ar = Name(),
            geometry = new { type = "Polygon", coordinates = (double[][][])[[[1, -88], [1.01, -88], [1.01, -87.99], [1, -87.99], [1, -88]]] },
        }),
        ["categories"] = (_, _) => Task.FromResult(CategoryTests.Body(Name())),
        ["categories/{code}/questions"] = (_, _) => Task.FromResult<object>(new { code = "depth", type = "number", text_en = "How deep?", text_ar = "ما عمقها؟", position = 1 }),
        ["surveys"] = async (service, _) =>
        {
            await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE surveys SET is_open = false, closed_at = now() WHERE is_open", Cancelled));
            return new { title_en = Name(), title_ar = Name(), questions = new[] { new { code = "fixed", kind = "yes_no", en = "Was it fixed?", ar = "هل أُصلحت؟", required = true } } };
        },
        ["employees"] = async (service, _) => new { user_id = await service.StaffAccountAsync(), name = "Rana Khalil", job = "dispatcher" },
        ["crews"] = (_, _) => Task.FromResult<object>(new { name = "North" }),
        ["vehicles"] = (_, _) => Task.FromResult<object>(new { name = "Tipper", plate = Name()[13..] }),
        ["response-templates"] = (_, _) => Task.FromResult<object>(new { name = "Planned", text_en = "It is planned.", text_ar = "مخطط له." }),
        ["projects"] = (_, _) => Task.FromResult<object>(new { name = "Kerbs" }),
        ["work-orders"] = (_, _) => Task.FromResult<object>(new { title = "Fill the potholes" }),
        ["visits"] = async (service, staff) => new
        {
            work_order_id = (await staff.OrderAsync(await service.CrewAsync())).Id,
            starts_at = Work.Tomorrow,
            ends_at = Work.Tomorrow.AddHours(1),
        },
    };

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task A_new_entry_names_its_version_as_the_entity_tag(string collection)
    {
        using var admin = service.NewUser(Roles.Admin);
        var path = collection == "reports" ? "" : collection;
        var body = await Bodies[path](service, admin);
        if (path.Contains("{code}", StringComparison.Ordinal))
        {
            var category = await admin.CreatedAsync("categories", CategoryTests.Body(Name()));
            path = path.Replace("{code}", category.GetProperty("code").GetString(), StringComparison.Ordinal);
        }

        using var response = await admin.PostAsJsonAsync($"{Root}/{path}", body, Cancelled);

        ((int)response.StatusCode).ShouldBe(201, await response.Content.ReadAsStringAsync(Cancelled));
        response.Headers.ETag?.ToString().ShouldBe("\"1\"");
    }

    [Fact]
    public void Every_collection_of_entries_that_take_If_Match_is_tested()
    {
        var endpoints = service.Host.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().ToArray();
        var creating = endpoints.Where(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") == true)
            .Select(endpoint => endpoint.RoutePattern.RawText?.TrimEnd('/')).ToHashSet();

        var collections = endpoints.Where(endpoint => endpoint.Metadata.GetOrderedMetadata<RequestHeader>().Any(header => header.Name == "If-Match"))
            .Select(endpoint => endpoint.RoutePattern.RawText ?? "").Where(path => path.EndsWith('}'))
            .Select(path => path[..path.LastIndexOf('/')]).Where(creating.Contains).Distinct();

        collections.Select(path => path[Root.Length..].TrimStart('/')).ShouldBe(Bodies.Keys, ignoreOrder: true);
    }

    private static string Name() => $"e{Guid.CreateVersion7():N}";
}
