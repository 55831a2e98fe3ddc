using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kashif.Security;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Messaging.Tests;

/// <summary>The HTTP conventions of all services: problems, validation, tokens, caching, correlation ids.</summary>
public sealed class HttpTests(MessagingServers servers) : SampleServiceTests(servers)
{
    [Theory]
    [InlineData("""{}""", "title", "latitude")]
    [InlineData("""{"title": 5, "latitude": "north"}""", "title", "latitude")]
    [InlineData("""{"title": "ok!", "latitude": "north"}""", "latitude")]
    [InlineData("""{"title": null, "latitude": 1}""", "title")]
    [InlineData("""{"title": "x", "latitude": 91}""", "title", "latitude")]
    [InlineData("""{"title": "x", "latitude": "north"}""", "title", "latitude")]
    [InlineData("""{"latitude": 91}""", "title", "latitude")]
    [InlineData("""{"title": "a\u0000b", "latitude": 1}""", "title")]
    [InlineData("""{"title": "abc", "latitude": 1, "comment": []}""", "comment")]
    [InlineData("""{"title": "abc", "latitude": 1e999}""", "latitude")]
    [InlineData("""[1]""", "body")]
    [InlineData("""{"title": """, "body")]
    [InlineData("", "body")]
    [InlineData("null", "body")]
    public async Task An_invalid_body_returns_every_bad_field(string body, params string[] fields)
    {
        using var client = Service.As(Guid.CreateVersion7());

        using var response = await client.PostAsync("/api/v1/notes", Json(body), Cancel);

        var problem = await ProblemAsync(response, HttpStatusCode.BadRequest, "invalid_request");
        problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe(fields, ignoreOrder: true);
    }

    [Fact]
    public async Task Unknown_fields_and_a_trailing_slash_are_ignored()
    {
        using var client = Service.As(Guid.CreateVersion7());

        using var response = await client.PostAsync("/api/v1/notes/", Json("""{"title": "abc", "latitude": 1, "colour": "red"}"""), Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("2026-12-31T10:00:00Z")]
    [InlineData("2026-12-31T13:00:00%2B03:00")]
    [InlineData("2026-12-31T06:30:00-03:30")]
    public async Task An_instant_with_an_offset_is_read_as_it_is_meant(string since)
    {
        using var client = Service.Anonymous();

        (await client.GetStringAsync($"/api/v1/notes/search?since={since}", Cancel)).ShouldBe("1798711200");
    }

    [Theory]
    [InlineData("Idempotency-Key", "")]
    [InlineData("Idempotency-Key", "a", "b")]
    [InlineData("If-Match", "")]
    [InlineData("If-Match", " , ")]
    [InlineData("If-None-Match", "")]
    public async Task A_blank_or_repeated_header_returns_400_with_its_name(string name, params string[] values)
    {
        var (status, body) = await PostWithAsync(name, values);

        status.ShouldBe(400, body);
        JsonSerializer.Deserialize<JsonElement>(body).GetProperty("errors").EnumerateObject().ShouldHaveSingleItem().Name.ShouldBe(name);
    }

    [Theory]
    [InlineData("Idempotency-Key", "a")]
    [InlineData("If-Match", "\"1\", \"2\"")]
    [InlineData("If-Match", "\"1\"", "\"2\"")]
    [InlineData("If-None-Match", "W/\"1\"", "*")]
    public async Task A_list_of_tags_may_be_split_over_several_headers(string name, params string[] values)
    {
        var (status, body) = await PostWithAsync(name, values);

        status.ShouldBe(201, body);
    }

    /// <summary>Creates a note with the header once for each value, which HttpClient would join.</summary>
    private async Task<(int Status, string Body)> PostWithAsync(string name, string[] values)
    {
        using var client = Service.As(Guid.CreateVersion7());
        var address = client.BaseAddress ?? throw new InvalidOperationException("No address.");
        const string body = """{"title": "abc", "latitude": 1}""";
        var headers = string.Concat(values.Select(value => $"{name}: {value}\r\n"));
        using var connection = new TcpClient();
        await connection.ConnectAsync(address.Host, address.Port, Cancel);
        await connection.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"POST /api/v1/notes HTTP/1.0\r\nAuthorization: {client.DefaultRequestHeaders.Authorization}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n{headers}\r\n{body}"), Cancel);
        using var reader = new StreamReader(connection.GetStream());
        var response = await reader.ReadToEndAsync(Cancel);
        return (int.Parse(response.Split(' ')[1], CultureInfo.InvariantCulture), response.Split("\r\n\r\n", 2)[1]);
    }

    [Theory]
    [InlineData("application/json; charset=utf-8", null, 201)]
    [InlineData("application/json; charset=\"UTF-8\"", null, 201)]
    [InlineData("application/json", "identity", 201)]
    [InlineData("application/json; charset=klingon", null, 415)]
    [InlineData("application/json; charset=utf-16", null, 415)]
    [InlineData("application/json; charset=utf8", null, 415)]
    [InlineData("application/json", "gzip", 415)]
    [InlineData("application/json", "identity, br", 415)]
    public async Task A_body_that_is_not_plain_UTF_8_returns_415(string type, string? coding, int status)
    {
        using var client = Service.As(Guid.CreateVersion7());
        using var content = Json("""{"title": "abc", "latitude": 1}""");
        content.Headers.Remove("Content-Type");
        content.Headers.TryAddWithoutValidation("Content-Type", type).ShouldBeTrue();
        if (coding is not null)
        {
            content.Headers.Add("Content-Encoding", coding);
        }

        using var response = await client.PostAsync("/api/v1/notes", content, Cancel);

        ((int)response.StatusCode).ShouldBe(status);
        if (status == 415)
        {
            await ProblemAsync(response, HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("title=a%00b", "title")]
    [InlineData("title=abc&title=%EF%BF%BE", "title")]
    [InlineData("unknown=%00", "unknown")]
    [InlineData("since=2026-12-31", "since")]
    [InlineData("since=2026-12-31T10:00:00", "since")]
    [InlineData("since=2026-12-31T10:00:00+03:00", "since")] // the plus sign is a space in a query
    [InlineData("since=2026-12-31T10:00:00Z%26since=2026-12-30T10:00:00Z", "since")]
    [InlineData("since=2026-12-31T10:00:00Z&since=2026-12-30T10:00:00Z", "since")]
    [InlineData("since=now", "since")]
    [InlineData("someName=%00&some_name=%00", "some_name")]
    public async Task A_bad_parameter_returns_its_name(string query, string field)
    {
        using var client = Service.Anonymous();

        using var response = await client.GetAsync($"/api/v1/notes/search?{query}", Cancel);

        var problem = await ProblemAsync(response, HttpStatusCode.BadRequest, "invalid_request");
        problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe([field]);
    }

    [Theory]
    [InlineData("ar", "ar", "يجب أن يكون عدد الأحرف بين 3 و100.")]
    [InlineData("ar-SY,en;q=0.5", "ar", "يجب أن يكون عدد الأحرف بين 3 و100.")]
    [InlineData("fr, en-GB;q=0.8, ar;q=0.5", "en", "Between 3 and 100 characters.")]
    [InlineData("fr", "en", "Between 3 and 100 characters.")]
    [InlineData(";;;q=1,*", "en", "Between 3 and 100 characters.")]
    public async Task A_problem_is_in_the_language_of_the_caller(string accepted, string language, string message)
    {
        using var client = Service.As(Guid.CreateVersion7());
        client.DefaultRequestHeaders.TryAddWithoutValidation("Accept-Language", accepted).ShouldBeTrue();

        using var bound = await client.PostAsync("/api/v1/notes", Json("""{"title": "x", "latitude": 1.5}"""), Cancel);
        using var unbound = await client.PostAsync("/api/v1/notes", Json("""{"title": "x", "latitude": "north"}"""), Cancel);
        using var missing = await client.GetAsync("/api/v1/nothing", Cancel);

        var problem = await ProblemAsync(bound, HttpStatusCode.BadRequest, "invalid_request");
        problem.GetProperty("errors").GetProperty("title").EnumerateArray().Select(error => error.GetString()).ShouldBe([message]);
        (await ProblemAsync(unbound, HttpStatusCode.BadRequest, "invalid_request")).GetProperty("errors").GetProperty("title")[0].GetString().ShouldBe(message);
        bound.Content.Headers.ContentLanguage.ShouldBe([language]);
        missing.Content.Headers.ContentLanguage.ShouldBe([language]);
        var detail = (await ProblemAsync(missing, HttpStatusCode.NotFound, "not_found")).GetProperty("detail").GetString() ?? "";
        detail.Any(character => character >= '\u0600').ShouldBe(language == "ar");
    }

    [Theory]
    [InlineData("👍", 100, true)]
    [InlineData("👍", 101, false)]
    [InlineData("👨‍👩‍👧‍👦", 100, true)]
    [InlineData("👨‍👩‍👧‍👦", 101, false)]
    [InlineData("👨‍👩‍👧‍👦", 2, false)]
    [InlineData(" ", 101, false)]
    public async Task Length_counts_characters_as_people_do(string character, int count, bool valid)
    {
        using var client = Service.As(Guid.CreateVersion7());
        var title = string.Concat(Enumerable.Repeat(character, count));

        using var response = await client.PostAsJsonAsync("/api/v1/notes", new { title, latitude = 1.5 }, Cancel);

        response.StatusCode.ShouldBe(valid ? HttpStatusCode.Created : HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Another_content_type_returns_415_and_a_large_body_413()
    {
        using var client = Service.As(Guid.CreateVersion7());

        using var text = await client.PostAsync("/api/v1/notes", new StringContent("hello"), Cancel);

        // The body only after the answer: the server closes the connection of a body that it does not read.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/notes") { Content = Json($$"""{"title": "{{new string('x', 2_000_000)}}"}"""), Headers = { ExpectContinue = true } };
        using var huge = await client.SendAsync(request, Cancel);

        await ProblemAsync(text, HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        await ProblemAsync(huge, HttpStatusCode.RequestEntityTooLarge, "too_large");
    }

    [Fact]
    public async Task A_bug_returns_500_without_details()
    {
        using var client = Service.Anonymous();

        using var response = await client.GetAsync("/api/v1/notes/bug", Cancel);

        await ProblemAsync(response, HttpStatusCode.InternalServerError, "internal_error");
        (await response.Content.ReadAsStringAsync(Cancel)).ShouldNotContain("secret");
    }

    [Fact]
    public async Task A_transient_database_error_returns_503_with_Retry_After()
    {
        await using var service = await SampleService.StartAsync(
            Servers, ResourceNames.Reporting, database: "Host=127.0.0.1;Port=1;Username=nobody;Database=nowhere");
        using var client = service.As(Guid.CreateVersion7());

        using var read = await client.GetAsync($"/api/v1/notes/{Guid.CreateVersion7()}", Cancel);
        using var written = await client.PostAsJsonAsync("/api/v1/notes", new { title = "nowhere", latitude = 1 }, Cancel);
        using var victim = await client.GetAsync("/api/v1/notes/deadlock", Cancel);

        await ProblemAsync(read, HttpStatusCode.ServiceUnavailable, "unavailable");
        await ProblemAsync(written, HttpStatusCode.ServiceUnavailable, "unavailable");
        await ProblemAsync(victim, HttpStatusCode.ServiceUnavailable, "unavailable");
        read.Headers.RetryAfter.ShouldNotBeNull();
    }

    [Fact]
    public async Task Unknown_paths_rows_and_methods_return_problems()
    {
        using var client = Service.As(Guid.CreateVersion7());

        using var route = await client.GetAsync("/api/v1/nothing", Cancel);
        using var note = await client.GetAsync($"/api/v1/notes/{Guid.CreateVersion7()}", Cancel);
        using var method = await client.DeleteAsync("/api/v1/notes", Cancel);

        await ProblemAsync(route, HttpStatusCode.NotFound, "not_found");
        await ProblemAsync(note, HttpStatusCode.NotFound, "not_found");
        await ProblemAsync(method, HttpStatusCode.MethodNotAllowed, "method_not_allowed");
    }

    [Fact]
    public async Task Only_valid_tokens_of_users_are_accepted()
    {
        var user = Guid.CreateVersion7();
        await using var strangers = await Testing.TestIssuer.StartAsync();

        await RefusedAsync(Service.Anonymous(), HttpStatusCode.Unauthorized);
        await RefusedAsync(Service.With("nonsense"), HttpStatusCode.Unauthorized);
        await RefusedAsync(Service.With(Servers.Issuer.ExpiredTokenFor(user)), HttpStatusCode.Unauthorized);
        await RefusedAsync(Service.With(strangers.TokenFor(user)), HttpStatusCode.Unauthorized);
        await RefusedAsync(Service.With(Tampered(Servers.Issuer.TokenFor(user))), HttpStatusCode.Unauthorized);
        await RefusedAsync(Service.With(Servers.Issuer.TokenForService()), HttpStatusCode.Forbidden);

        async Task RefusedAsync(HttpClient client, HttpStatusCode status)
        {
            using (client)
            using (var response = await client.PostAsync("/api/v1/notes", Json("""{"title": "abc", "latitude": 1}"""), Cancel))
            {
                await ProblemAsync(response, status, status == HttpStatusCode.Forbidden ? "forbidden" : "unauthorized");
            }
        }

        static string Tampered(string token)
        {
            var parts = token.Split('.');
            var payload = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1])).Replace(Roles.Citizen, Roles.Admin);
            return $"{parts[0]}.{System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}.{parts[2]}";
        }
    }

    [Theory]
    [InlineData(Roles.Citizen, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    [InlineData(Roles.Partner, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden)]
    [InlineData(Roles.Staff, HttpStatusCode.OK, HttpStatusCode.Forbidden)]
    [InlineData(Roles.Admin, HttpStatusCode.OK, HttpStatusCode.Forbidden)]
    public async Task Policies_require_roles(string role, HttpStatusCode staff, HttpStatusCode service)
    {
        using var client = Service.As(Guid.CreateVersion7(), role);

        // The second time, the token is in the cache of validated tokens.
        for (var time = 0; time < 2; time++)
        {
            using var asStaff = await client.GetAsync("/api/v1/notes/staff", Cancel);
            using var asService = await client.GetAsync("/api/v1/notes/service", Cancel);

            asStaff.StatusCode.ShouldBe(staff);
            asService.StatusCode.ShouldBe(service);
        }
    }

    [Fact]
    public async Task A_public_read_has_an_etag_and_returns_304_for_it()
    {
        using var client = Service.As(Guid.CreateVersion7());
        using var created = await client.PostAsync("/api/v1/notes", Json("""{"title": "abc", "latitude": 1}"""), Cancel);
        using var anyone = Service.Anonymous();

        using var first = await anyone.GetAsync(created.Headers.Location, Cancel);
        using var again = new HttpRequestMessage(HttpMethod.Get, created.Headers.Location);
        again.Headers.IfNoneMatch.Add(first.Headers.ETag ?? throw new InvalidOperationException("There is no ETag."));
        using var second = await anyone.SendAsync(again, Cancel);
        using var other = new HttpRequestMessage(HttpMethod.Get, created.Headers.Location);
        other.Headers.IfNoneMatch.ParseAdd("\"another\"");
        using var third = await anyone.SendAsync(other, Cancel);

        first.StatusCode.ShouldBe(HttpStatusCode.OK);
        first.Headers.CacheControl.ShouldNotBeNull().ToString().ShouldBe("public, max-age=5");
        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        (await second.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
        third.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("mine-123", true)]
    [InlineData("with space", false)]
    [InlineData("line\tbreak", false)]
    public async Task A_valid_correlation_id_is_kept_and_another_replaced(string sent, bool kept)
    {
        using var client = Service.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/notes/search");
        request.Headers.TryAddWithoutValidation("X-Correlation-Id", sent);

        using var response = await client.SendAsync(request, Cancel);

        var returned = response.Headers.GetValues("X-Correlation-Id").ShouldHaveSingleItem();
        (returned == sent).ShouldBe(kept);
        returned.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_500_has_the_correlation_id()
    {
        using var client = Service.Anonymous();
        client.DefaultRequestHeaders.Add("X-Correlation-Id", "order-66");

        using var response = await client.GetAsync("/api/v1/notes/bug", Cancel);

        response.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
        response.Headers.GetValues("X-Correlation-Id").ShouldBe(["order-66"]);
    }

    [Fact]
    public async Task Health_lists_the_dependencies_and_alive_none()
    {
        using var client = Service.Anonymous();

        // Degraded until the relay is connected.
        JsonElement health = default;
        await Testing.Eventually.TrueAsync(
            async () =>
            {
                using var response = await client.GetAsync("/health", Cancel); // 503 if a check takes too long
                health = await response.Content.ReadFromJsonAsync<JsonElement>(Cancel);
                return health.GetProperty("status").GetString() == "healthy";
            },
            "health");
        var alive = await client.GetFromJsonAsync<JsonElement>("/alive", Cancel);

        health.GetProperty("checks").EnumerateObject().Select(check => check.Name).ShouldBe(["database", "messaging"], ignoreOrder: true);
        alive.GetProperty("checks").EnumerateObject().ShouldBeEmpty();
    }

    [Fact]
    public async Task The_OpenAPI_document_has_security_schemes_and_idempotency_keys()
    {
        using var client = Service.Anonymous();

        var document = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json", Cancel);

        var post = document.GetProperty("paths").GetProperty("/api/v1/notes").GetProperty("post");
        post.GetProperty("security").EnumerateArray().SelectMany(way => way.EnumerateObject()).Select(way => way.Name)
            .ShouldBe(["password", "bearer", "api_key"], ignoreOrder: true);
        post.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()).ShouldBe(["Idempotency-Key"]);
        document.GetProperty("paths").GetProperty("/api/v1/notes/search").GetProperty("get").TryGetProperty("security", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task The_OpenAPI_document_is_built_once()
    {
        var built = 0;
        await using var service = await SampleService.StartAsync(Servers, ResourceNames.Reporting, services: services => services.Configure<OpenApiOptions>(
            "v1", options => options.AddDocumentTransformer((_, _, _) => Task.FromResult(Interlocked.Increment(ref built)))));
        using var client = service.Anonymous();

        var documents = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => client.GetStringAsync("/openapi/v1.json", Cancel)));

        documents.Distinct().ShouldHaveSingleItem();
        built.ShouldBe(1);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var text = await response.Content.ReadAsStringAsync(Cancel);
        response.StatusCode.ShouldBe(status, text);
        response.Content.Headers.ContentType.ShouldNotBeNull().MediaType.ShouldBe("application/problem+json");
        var problem = JsonSerializer.Deserialize<JsonElement>(text);
        problem.GetProperty("code").GetString().ShouldBe(code);
        problem.GetProperty("status").GetInt32().ShouldBe((int)status);
        problem.GetProperty("trace_id").GetString().ShouldNotBeNull().Length.ShouldBe(32);
        return problem;
    }
}
