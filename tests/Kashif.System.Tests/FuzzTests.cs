using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Kashif.Security;

namespace Kashif.SystemTests;

/// <summary>Sends invalid requests to every endpoint: none may return a 5xx, every 4xx is a problem, and no broken body is accepted.</summary>
public sealed class FuzzTests(KashifSystem system)
{
    private const int LongString = 100_000;

    /// <summary>In bytes, of one process. Reporting has 155 routes, each with a histogram of its own: 280,000, and more with each status.</summary>
    private const int LargestMetrics = 450_000;

    /// <summary>Replacements for a JSON value.</summary>
    private static readonly string[] HostileValues =
    [
        "null", "true", "-1", "0", "1e400", "1.7976931348623157e308", "99999999999999999999999999", "-9223372036854775809", "\"\"", "\" \"",
        "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\uFFFE\\u202E\"", "\"'; DROP TABLE users; --\"", "\"{{7*7}}${7*7}\"", "\"../../etc/passwd\"",
        "\"0198f0a0-1111-7000-8000-000000000009\"", "\"9999-12-31T23:59:59.9999999-14:00\"", "\"0001-01-01T00:00:00Z\"", "[]", "[null]", "{}", "[[[]]]", "{\"a\":{\"b\":[]}}",
        $"\"{new string('x', LongString)}\"", $"\"{new string('ﷺ', 3_000)}\"",
    ];

    /// <summary>Replacements for a part of a path or a query value, already escaped.</summary>
    private static readonly string[] HostileText =
    [
        "%00", "a%00b", "%ff%fe", "%C0%AF", "%ED%A0%80", "..%2f..%2finternal", "%252e%252e%252f", ".", "%2e%2e", "'%22%3C%3E%7B%7D", "-1", "0",
        "99999999999999999999", "1e400", "NaN", "Infinity", "null", "2026-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59.9999999Z", "%F0%9F%92%A9", "%EF%BF%BE", "0198f0a0-1111-7000-8000-000000000009", "%0d%0aSet-Cookie:x=1", new('9', 3_000),
    ];

    /// <summary>Headers that mean something, with values that mean nothing.</summary>
    private static readonly (string Name, string Value)[] HostileHeaders =
    [
        ("Authorization", "Bearer"), ("Authorization", "Bearer a.b.c"), ("Authorization", $"Bearer {new string('x', 6_000)}"), ("Authorization", "Basic %%%"), ("Authorization", ""),
        ("Content-Type", "application/json; charset=klingon"), ("Content-Type", "application/json; charset=utf-7"), ("Content-Type", "application/json; charset=utf-16"),
        ("Content-Type", "application/json; charset="), ("Content-Type", "application/x-www-form-urlencoded; charset=klingon"), ("Content-Type", "multipart/form-data; boundary="),
        ("Content-Type", "application/json;;;"), ("Content-Type", "a/b/c"), ("Content-Encoding", "gzip"), ("Content-Encoding", "identity, x"),
        ("User-Agent", $"{new string('x', 199)}\U0001F4A9"), ("User-Agent", $"{new string('x', 511)}\U0001F4A9{new string('y', 600)}"), ("User-Agent", "\u202e\u200b\ufeff"), ("User-Agent", ""),
        ("Accept-Language", ";;;q=1,*"), ("Accept-Language", "ar;q=nan, xx-XX-x-y;q=-1"), ("Accept-Language", string.Join(',', Enumerable.Repeat("ar-SY;q=0.1", 300))), ("Accept-Language", "\u0639\u0631\u0628\u064a"),
        ("Forwarded", "for=\"[::1]:99999\";by=;proto=javascript;host=\"\""), ("Forwarded", "for=1.2.3.4, for=,;"), ("X-Forwarded-For", "not an address"), ("X-Forwarded-For", "1.2.3.4, ::ffff:999, %00"),
        ("X-Forwarded-Proto", "javascript"), ("X-Forwarded-Host", "evil.test\"<>"), ("X-Forwarded-Prefix", "/../internal"), ("X-Original-URL", "/internal/v1/debits"),
        ("Idempotency-Key", ""), ("Idempotency-Key", new string('k', 500)), ("Idempotency-Key", "a b"), ("Idempotency-Key", "'; DROP TABLE users; --"), ("Idempotency-Key", "\u0645\u0641\u062a\u0627\u062d"),
        ("If-Match", ""), ("If-Match", "nonsense"), ("If-Match", "\"99999999999999999999\""), ("If-Match", "*, \"1\""), ("If-Match", $"\"{new string('1', 5_000)}\""), ("If-Match", "\"1"),
        ("If-None-Match", ""), ("If-None-Match", "W/\"\"\""), ("If-None-Match", "W/\"1\", *, nonsense"), ("If-None-Match", string.Join(',', Enumerable.Repeat("\"1\"", 2_000))),
        ("If-Modified-Since", "yesterday"), ("If-Unmodified-Since", "Thu, 01 Jan 9999 00:00:00 GMT"), ("If-Range", "\""), ("Range", "bytes=9-1"),
        ("Accept", "text/csv;q=9"), ("Accept", "*/*;q=0"), ("Accept-Encoding", "br;q=x, *;q=0, identity;q=0"), ("Prefer", "respond-async;;="), ("Prefer", "=1;x, ,"),
        ("X-Correlation-Id", "a b\tc"), ("traceparent", "00-zz-zz-zz"), ("tracestate", "=,=,="), ("baggage", "a=%ff,;b"), ("X-Api-Key", new string('k', 2_000)), ("X-Api-Key", ""), ("Origin", "null"), ("Cookie", "a=\"b"),
    ];

    /// <summary>Contents of cursors, before they are encoded.</summary>
    private static readonly string[] ForgedCursors =
    [
        "", "|", "||", "0", "-1", "9223372036854775807", "99999999999999999999", "0198f0a0-1111-7000-8000-000000000009", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "0|00000000-0000-0000-0000-000000000000", "NaN|0198f0a0-1111-7000-8000-000000000009", "Infinity|0198f0a0-1111-7000-8000-000000000009",
        "-1e308|0198f0a0-1111-7000-8000-000000000009", "1e308|ffffffff-ffff-ffff-ffff-ffffffffffff", "9999-12-31T23:59:59.9999999-14:00|0198f0a0-1111-7000-8000-000000000009", "2026-01-01|1",
        "0|0|0", "1|'; DROP TABLE users; --", "\0", "\u0661\u0662|\u0663",
    ];

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];

    private static ParallelOptions Four => new() { MaxDegreeOfParallelism = 4, CancellationToken = Cancel };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Invalid_bodies_are_refused_without_a_5xx()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        admin.DefaultRequestHeaders.AcceptLanguage.ParseAdd("ar");
        var operations = (await OpenApiOperation.AllAsync(admin)).Where(operation => operation.BodyType is not null).ToList();
        operations.Count.ShouldBeGreaterThan(20);
        operations.Where(operation => !operation.HasForm && !operation.Allows(JsonSerializer.SerializeToUtf8Bytes(operation.ExampleBody()))).ShouldBeEmpty();

        int broken = 0, allowed = 0;
        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(operations, Four, async (operation, _) =>
        {
            foreach (var body in operation.HasForm ? InvalidForms(operation.ExampleBody()) : InvalidJson(operation.ExampleBody()))
            {
                using var content = new ByteArrayContent(body);
                content.Headers.ContentType = new MediaTypeHeaderValue(operation.BodyType ?? "");

                // A hostile value may still be a valid one, such as a strange text.
                var mayPass = !operation.HasForm && operation.Allows(body);
                Interlocked.Increment(ref mayPass ? ref allowed : ref broken);
                await SendAsync(admin, operation, PathWithMissingIds(operation), content, failures, mayPass);
            }
        });

        await system.CloseSurveyAsync();
        failures.ShouldBeEmpty();
        broken.ShouldBeGreaterThan(allowed);
    }

    [Fact]
    public async Task Invalid_paths_and_queries_do_not_cause_a_5xx()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        admin.DefaultRequestHeaders.AcceptLanguage.ParseAdd("ar");
        var operations = (await OpenApiOperation.AllAsync(admin)).Where(operation => !EndsSession(operation));

        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(operations, Four, async (operation, _) =>
        {
            foreach (var hostile in HostileText)
            {
                // One invalid part at a time, because the first one would hide the others.
                foreach (var (name, place, _) in operation.Parameters.Where(parameter => parameter.In is "path" or "query"))
                {
                    var target = place == "path"
                        ? operation.PathWith(part => part == name ? hostile : "0198f0a0-1111-7000-8000-000000000009")
                        : $"{PathWithMissingIds(operation)}?{name}={hostile}";
                    await SendAsync(admin, operation, target, content: null, failures);
                }

                await SendAsync(admin, operation, $"{PathWithMissingIds(operation)}/{hostile}", content: null, failures);
            }
        });

        failures.ShouldBeEmpty();
    }

    [Fact]
    public async Task Invalid_headers_do_not_cause_a_5xx()
    {
        using var signedIn = (await system.RegisterAsync()).Client;

        // In UTF-8: HttpClient's default refuses other characters than ASCII.
        using var citizen = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = signedIn.BaseAddress };
        citizen.DefaultRequestHeaders.Authorization = signedIn.DefaultRequestHeaders.Authorization;
        var failures = new ConcurrentBag<string>();
        var operations = await OpenApiOperation.AllAsync(citizen);
        await Parallel.ForEachAsync(operations.Where(operation => !EndsSession(operation)), Four, async (operation, _) => await FuzzAsync(operation));
        foreach (var operation in operations.Where(EndsSession))
        {
            await FuzzAsync(operation);
        }

        failures.ShouldBeEmpty();

        async Task FuzzAsync(OpenApiOperation operation)
        {
            foreach (var (name, value) in HostileHeaders)
            {
                using var request = new HttpRequestMessage(new HttpMethod(operation.Method), Raw(citizen, PathWithMissingIds(operation)));
                if (operation.BodyType is { } type)
                {
                    request.Content = new StringContent(operation.HasForm ? "a=b" : "[]", Encoding.UTF8, type);
                    if (name == "Content-Type")
                    {
                        request.Content.Headers.ContentType = null;
                    }

                    request.Content.Headers.TryAddWithoutValidation(name, value);
                }

                request.Headers.TryAddWithoutValidation(name, value);
                await CheckAsync(citizen, request, $"{operation} with {name}: {value[..Math.Min(value.Length, 40)]}", failures);
            }
        }
    }

    [Fact]
    public async Task Forged_cursors_do_not_cause_a_5xx()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        var lists = (await OpenApiOperation.AllAsync(admin)).Where(operation => operation.Parameters.Any(parameter => parameter.Name == "cursor")).ToList();
        lists.Count.ShouldBeGreaterThan(8);

        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(lists, Four, async (list, _) =>
        {
            foreach (var content in ForgedCursors)
            {
                await SendAsync(admin, list, $"{PathWithMissingIds(list)}?limit=1&cursor={Base64Url.EncodeToString(Encoding.UTF8.GetBytes(content))}", content: null, failures);
            }

            await SendAsync(admin, list, $"{PathWithMissingIds(list)}?cursor={Base64Url.EncodeToString([0xff, 0xfe, 0xc0, 0x80])}", content: null, failures);
        });

        failures.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_method_that_a_route_does_not_have_returns_405_with_the_others()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;

        // Paths that differ in their parameters only are one for ASP.NET, such as those of a calendar and of its address.
        var routes = (await OpenApiOperation.AllAsync(admin)).GroupBy(operation => string.Join('/', operation.Path.Split('/').Select(part => part.StartsWith('{') ? "{}" : part))).ToList();

        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(routes, Four, async (route, _) =>
        {
            var known = route.Select(operation => operation.Method).Order().ToArray();
            foreach (var method in Methods.Except(known))
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), route.First().PathWithExamples());
                using var response = await admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
                if (response.StatusCode != HttpStatusCode.MethodNotAllowed || !response.Content.Headers.Allow.Order().SequenceEqual(known)
                    || response.Content.Headers.ContentType?.MediaType != "application/problem+json")
                {
                    failures.Add($"{method} {route.Key}: {(int)response.StatusCode}, Allow: {string.Join(", ", response.Content.Headers.Allow)}, {response.Content.Headers.ContentType}");
                }
            }
        });

        failures.ShouldBeEmpty();
    }

    /// <remarks>Its own traffic, and that of the other tests before it, would make unbounded labels visible.</remarks>
    [Fact]
    public async Task Metrics_stay_small_whatever_clients_send()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        var operations = (await OpenApiOperation.AllAsync(admin)).Where(operation => !EndsSession(operation)).ToList();
        string[] places = [.. HostileText.Where(text => text.Length < 100), ""];
        await Parallel.ForEachAsync(operations.Index(), Four, async (numbered, _) =>
        {
            var (number, operation) = numbered;
            foreach (var (index, place) in places.Index())
            {
                // Each operation gets every place and every method, and all operations together every pair of them.
                var method = Methods[(index + number) % Methods.Length];
                using var request = new HttpRequestMessage(new HttpMethod(method), Raw(admin, $"{PathWithMissingIds(operation)}/{place}"));
                request.Headers.UserAgent.ParseAdd("fuzz/1.0");
                using var response = await admin.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
            }

            // And its own, so that every route has its series.
            using var own = new HttpRequestMessage(new HttpMethod(operation.Method), Raw(admin, PathWithMissingIds(operation)));
            using var answer = await admin.SendAsync(own, HttpCompletionOption.ResponseHeadersRead, Cancel);
        });

        foreach (var process in new[] { ResourceNames.Gateway, ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications })
        {
            using var client = new HttpClient { BaseAddress = system.AddressOf(process) };
            var text = await client.GetStringAsync("/metrics", Cancel);
            var families = text.Split('\n').Where(line => line is not ("" or ['#', ..])).CountBy(line => line[..line.IndexOfAny([' ', '{'])])
                .OrderByDescending(family => family.Value).Take(8).Select(family => $"{family.Value} {family.Key}");
            text.Length.ShouldBeLessThan(LargestMetrics, $"{process}: {string.Join(", ", families)}");
            text.ShouldNotContain("otel_metric_overflow", customMessage: process);
        }
    }

    /// <summary>It needs no body: the first request would end the session, and 401 would hide everything else.</summary>
    private static bool EndsSession(OpenApiOperation operation) => operation.Path.EndsWith("/logout-all", StringComparison.Ordinal);

    /// <summary>A path with ids that do not exist, so that fuzzing changes no data of other tests.</summary>
    private static string PathWithMissingIds(OpenApiOperation operation) => operation.PathWith(_ => "0198f0a0-1111-7000-8000-000000000009");

    private static IEnumerable<byte[]> InvalidJson(Dictionary<string, object?> example)
    {
        var good = JsonSerializer.Serialize(example);
        string[] wholes =
        [
            "", " ", "{", "}", "[", "nul", "\"", "{}", "[]", "null", "0", "\"text\"", good[..(good.Length / 2)], good + good, good + "x", "\uFEFF" + good, "{\"\\ud800\":1}", "{'a':1}", "{\"a\":1,}", "/**/{}",
            $"{{\"a\":{new string('[', 5_000)}{new string(']', 5_000)}}}", new string('[', 10_000), new string('{', 10_000),
        ];
        foreach (var whole in wholes)
        {
            yield return Encoding.UTF8.GetBytes(whole);
        }

        yield return [0xff, 0xfe, 0x00, 0x7b];
        yield return Encoding.Unicode.GetBytes(good);
        yield return [.. Encoding.UTF8.GetBytes("{\"title\":\""), 0xc3, 0x28, 0xff, .. Encoding.UTF8.GetBytes("\"}")];

        foreach (var (name, hostile) in example.Keys.SelectMany(name => HostileValues.Select(hostile => (name, hostile))))
        {
            var parts = example.Select(property =>
                $"{JsonSerializer.Serialize(property.Key)}:{(property.Key == name ? hostile : JsonSerializer.Serialize(property.Value))}");
            yield return Encoding.UTF8.GetBytes($"{{{string.Join(',', parts)}}}");
        }

        foreach (var name in example.Keys)
        {
            yield return Encoding.UTF8.GetBytes(JsonSerializer.Serialize(example.Where(property => property.Key != name).ToDictionary()));
            yield return Encoding.UTF8.GetBytes($"{{{JsonSerializer.Serialize(name)}:1,{JsonSerializer.Serialize(name)}:2}}");
        }
    }

    private static IEnumerable<byte[]> InvalidForms(Dictionary<string, object?> example)
    {
        yield return [];
        yield return [0xff, 0xfe, (byte)'='];
        foreach (var hostile in HostileText.Append("a=b&a=b&a=b").Append(string.Concat(Enumerable.Repeat("a[]=1&", 2_000))))
        {
            yield return Encoding.UTF8.GetBytes(hostile);
            foreach (var name in example.Keys.DefaultIfEmpty("username"))
            {
                yield return Encoding.UTF8.GetBytes($"{name}={hostile}");
            }
        }
    }

    private static async Task SendAsync(HttpClient client, OpenApiOperation operation, string target, HttpContent? content, ConcurrentBag<string> failures, bool mayPass = true)
    {
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), Raw(client, target)) { Content = content };
        var sent = content is null ? target : await content.ReadAsStringAsync(Cancel);
        await CheckAsync(client, request, $"{operation} {sent[..Math.Min(sent.Length, 200)]}", failures, mayPass);
    }

    private static async Task CheckAsync(HttpClient client, HttpRequestMessage request, string what, ConcurrentBag<string> failures, bool mayPass = true)
    {
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        var status = (int)response.StatusCode;
        if (status >= 500)
        {
            failures.Add($"{status}: {what}: {await response.Content.ReadAsStringAsync(Cancel)}");
        }
        else if (status < 400 && !mayPass)
        {
            failures.Add($"{status} for a broken body: {what}");
        }
        else if (status >= 400 && response is { Headers.ConnectionClose: true, Content.Headers.ContentLength: 0 })
        {
            // Kestrel rejects an invalid HTTP request itself, such as a target with U+0000.
        }
        else if (status >= 400 && response.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            failures.Add($"{status} as {response.Content.Headers.ContentType}: {what}");
        }
        else if (status >= 400)
        {
            var problem = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(Cancel));
            if (!problem.TryGetProperty("code", out _) || !problem.TryGetProperty("trace_id", out _))
            {
                failures.Add($"{status} without code or trace_id: {what}");
            }

            if (client.DefaultRequestHeaders.AcceptLanguage.Count > 0 && Texts(problem).FirstOrDefault(text => !IsArabic(text)) is { } foreign)
            {
                failures.Add($"{status} not in Arabic: {what}: {foreign}");
            }
        }
    }

    /// <summary>The texts of a problem that are for people.</summary>
    private static IEnumerable<string> Texts(JsonElement problem) =>
        (problem.TryGetProperty("errors", out var errors) ? errors.EnumerateObject().SelectMany(field => field.Value.EnumerateArray()) : [])
        .Append(problem.GetProperty("detail"))
        .Select(text => text.GetString() ?? "");

    private static bool IsArabic(string text) => text.Any(character => character is >= '\u0600' and <= '\u06ff');

    /// <summary>A URI that is sent without normalization.</summary>
    private static Uri Raw(HttpClient client, string target) =>
        new($"{client.BaseAddress?.GetLeftPart(UriPartial.Authority)}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
}
