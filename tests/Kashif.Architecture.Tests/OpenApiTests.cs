using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Kashif.Architecture.Tests;

/// <summary>The OpenAPI documents are enough to build a client from.</summary>
public sealed class OpenApiTests(BuiltServices services)
{
    private static readonly string[] Verbs = ["get", "post", "put", "patch", "delete"];

    /// <summary>Codes that <see cref="ErrorCodes"/> finds on a way that the operation does not take.</summary>
    private static readonly (string Operation, string Code)[] Unreachable =
    [
        ("redeemCoupon", "price_changed"), // it takes any price
        ("createReports", "unknown_customer"), // the outcome of an item
        ("createToken", "wrong_password"), // ErrorFor is asked only about too many attempts
    ];

    public static TheoryData<string> Services => [.. BuiltServices.ServiceNames.Except([ResourceNames.Gateway])];

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_operation_says_what_it_does_and_who_may_call_it(string service)
    {
        var document = await ReadAsync(service);

        Operations(document).Where(operation =>
                string.IsNullOrEmpty(operation.Text("summary"))
                || operation.Text("description")?.Contains("**Who may call:**", StringComparison.Ordinal) != true
                || operation.Json["tags"]?.AsArray().Count is not 1
                || !char.IsAsciiLetterLower(operation.Id[0])
                || operation.Responses.All(response => response.Key[0] is not ('2' or '3')))
            .Select(operation => operation.Id).ShouldBeEmpty();
        document["servers"].ShouldNotBeNull().AsArray().ShouldHaveSingleItem().ShouldNotBeNull()["url"].ShouldNotBeNull().GetValue<string>().ShouldBe("/");
        document["info"].ShouldNotBeNull()["description"].ShouldNotBeNull().GetValue<string>().ShouldContain("Prefer: envelope");
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_tag_has_a_description(string service)
    {
        var document = await ReadAsync(service);

        var described = document["tags"].ShouldNotBeNull().AsArray().OfType<JsonObject>()
            .Where(tag => !string.IsNullOrEmpty(tag["description"]?.GetValue<string>())).Select(tag => tag["name"]?.GetValue<string>());
        Operations(document).SelectMany(operation => operation.Json["tags"]?.AsArray() ?? []).Select(tag => tag?.GetValue<string>()).Distinct()
            .ShouldBe(described, ignoreOrder: true);
    }

    [Fact]
    public async Task Operation_ids_are_unique_among_all_services()
    {
        var ids = new List<string>();
        foreach (var service in BuiltServices.ServiceNames.Except([ResourceNames.Gateway]))
        {
            ids.AddRange(Operations(await ReadAsync(service)).Select(operation => operation.Id));
        }

        ids.Count.ShouldBeGreaterThan(50);
        ids.ShouldBeUnique();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_field_and_parameter_has_a_description(string service)
    {
        var document = await ReadAsync(service);

        var fields = from schema in Schemas(document)
                     from property in schema.Value?["properties"]?.AsObject() ?? []
                     select (Name: $"{schema.Key}.{property.Key}", property.Value);
        var parameters = from operation in Operations(document)
                         from parameter in operation.Json["parameters"]?.AsArray() ?? []
                         select (Name: $"{operation.Id} {parameter["name"]}", Value: parameter);

        fields.ShouldNotBeEmpty();
        fields.Concat(parameters).Where(described => string.IsNullOrEmpty(Description(described.Value))).Select(described => described.Name).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_array_has_items(string service) => Descendants(await ReadAsync(service)).OfType<JsonObject>()
        .Where(schema => Types(schema).Contains("array") && schema["items"] is not JsonObject { Count: > 0 })
        .Select(schema => schema.GetPath())
        .ShouldBeEmpty();

    /// <remarks>Spectral checks that each example is valid against its schema.</remarks>
    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_body_and_parameter_has_an_example_with_all_fields(string service)
    {
        var document = await ReadAsync(service);

        var bodies = Descendants(document).OfType<JsonObject>()
            .Where(node => node["content"] is JsonObject)
            .SelectMany(node => node["content"]?.AsObject() ?? [], (_, content) => content.Value)
            .OfType<JsonObject>().ToList();
        var parameters = Operations(document).SelectMany(operation => operation.Json["parameters"]?.AsArray() ?? []).OfType<JsonObject>();

        bodies.Count.ShouldBeGreaterThan(3);
        bodies.Concat(parameters)
            .Where(example => example["example"] is not { } value || Missing(document, example["schema"], value).Any())
            .Select(example => $"{example.GetPath()}: {string.Join(", ", Missing(document, example["schema"], example["example"]))}")
            .ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_refusal_has_its_codes(string service)
    {
        var document = await ReadAsync(service);

        Operations(document)
            .SelectMany(operation => Expected(operation).Where(status => Codes(document, operation, status) is []).Select(status => $"{operation.Id} {status}"))
            .ShouldBeEmpty();

        static IEnumerable<string> Expected(Operation operation) =>
        [
            "429", "503", "504",
            .. operation.IsProtected ? ["401", "403"] : Array.Empty<string>(),
            .. operation.Path.Contains('{', StringComparison.Ordinal) ? ["404"] : Array.Empty<string>(),
            .. operation.Json["requestBody"] is null ? [] : new[] { "400", "413", "415" },
            .. operation.Responses.Select(response => response.Key).Where(status => status[0] is '4' or '5'),
        ];
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_protected_endpoint_is_a_protected_operation(string service)
    {
        var operations = Operations(await ReadAsync(service)).ToDictionary(operation => operation.Id);

        var wrong = Documented(service)
            .Where(endpoint => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null != operations[IdOf(endpoint)].IsProtected);

        wrong.Select(IdOf).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Every_code_that_a_handler_can_return_is_documented(string service)
    {
        using var codes = new ErrorCodes();
        var document = await ReadAsync(service);
        var operations = Operations(document).ToDictionary(operation => operation.Id);

        var found = Documented(service)
            .SelectMany(endpoint => codes.Of(endpoint.Metadata.GetMetadata<MethodInfo>().ShouldNotBeNull()), (endpoint, code) => (Operation: IdOf(endpoint), Code: code))
            .ToList();

        found.ShouldNotBeEmpty();
        found.Except(Unreachable)
            .Where(error => !operations[error.Operation].Responses.Any(response => Codes(document, operations[error.Operation], response.Key).Contains(error.Code)))
            .ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_route_of_Open311_is_described()
    {
        var described = Operations(await ReadAsync(ResourceNames.Reporting)).Select(operation => operation.Path).Where(path => path.StartsWith("/open311/", StringComparison.Ordinal)).Distinct();

        var routes = services[ResourceNames.Reporting].Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Select(endpoint => endpoint.RoutePattern.RawText ?? "").Where(path => path.StartsWith("/open311/", StringComparison.Ordinal)).Distinct();

        described.ShouldBe(routes, ignoreOrder: true);
    }

    private async Task<JsonObject> ReadAsync(string service)
    {
        var document = await services[service].Services.GetRequiredKeyedService<IOpenApiDocumentProvider>("v1").GetOpenApiDocumentAsync();
        return JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1)).ShouldNotBeNull().AsObject();
    }

    private IEnumerable<RouteEndpoint> Documented(string service) => services[service].Services.GetServices<EndpointDataSource>()
        .SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.RoutePattern.RawText?.StartsWith("/api/", StringComparison.Ordinal) == true);

    private static string IdOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName is [var first, ..] name ? $"{char.ToLowerInvariant(first)}{name[1..]}" : "";

    private static List<Operation> Operations(JsonObject document) =>
    [
        .. from path in document["paths"]?.AsObject() ?? []
           from operation in path.Value?.AsObject() ?? []
           where Verbs.Contains(operation.Key)
           select new Operation(path.Key, operation.Value?.AsObject() ?? []),
    ];

    private static JsonObject Schemas(JsonObject document) => document["components"]?["schemas"]?.AsObject() ?? [];

    /// <summary>The codes of a response, which may be a shared one.</summary>
    private static string[] Codes(JsonObject document, Operation operation, string status) =>
    [
        .. Descendants(Resolve(document, operation.Responses[status])).OfType<JsonObject>()
            .SelectMany(properties => (properties["code"] as JsonObject)?["enum"]?.AsArray() ?? [])
            .OfType<JsonValue>().Select(code => code.ToString()),
    ];

    /// <summary>The fields of a schema that its example lacks, or that are null in it though they cannot be.</summary>
    private static IEnumerable<string> Missing(JsonObject document, JsonNode? schema, JsonNode? example) => Resolve(document, schema) switch
    {
        JsonObject node when node["allOf"] is JsonArray all => all.SelectMany(part => Missing(document, part, example)),
        JsonObject node when node["properties"] is JsonObject properties => properties.SelectMany(property =>
            example is not JsonObject fields || !fields.ContainsKey(property.Key) ? [property.Key] : Missing(document, property.Value, fields[property.Key])),
        JsonObject node when Types(node).Contains("array") && example is JsonArray items => items.SelectMany(item => Missing(document, node["items"], item)),
        JsonObject node when example is null && node["oneOf"] is null && !Types(node).Contains("null") => ["null"],
        _ => [],
    };

    private static JsonNode? Resolve(JsonObject document, JsonNode? node) => node?["$ref"]?.GetValue<string>() is { } reference
        ? reference.Split('/').Skip(1).Aggregate((JsonNode?)document, (parent, name) => parent?[name])
        : node;

    private static string? Description(JsonNode? node) => node?["description"]?.GetValue<string>()
        ?? (node?["oneOf"] as JsonArray)?.Select(Description).FirstOrDefault(description => description is not null);

    private static IEnumerable<string> Types(JsonNode node) => node["type"] switch
    {
        JsonArray types => types.OfType<JsonValue>().Select(type => type.GetValue<string>()),
        JsonValue type when type.TryGetValue<string>(out var name) => [name],
        _ => [],
    };

    private static IEnumerable<JsonNode> Descendants(JsonNode? node) => node switch
    {
        JsonObject parent => parent.Select(child => child.Value).SelectMany(Descendants).Prepend(parent),
        JsonArray parent => parent.SelectMany(Descendants).Prepend(parent),
        _ => [],
    };

    private sealed record Operation(string Path, JsonObject Json)
    {
        public string Id => Text("operationId") ?? "?";

        /// <summary>An empty alternative would allow a call without a token.</summary>
        public bool IsProtected => Json["security"] is JsonArray alternatives && alternatives.All(alternative => alternative is JsonObject { Count: > 0 });

        public JsonObject Responses => Json["responses"]?.AsObject() ?? [];

        public string? Text(string member) => Json[member]?.GetValue<string>();
    }
}
