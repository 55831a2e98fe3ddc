using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Kashif.Security;

namespace Kashif.SystemTests;

/// <summary>Sends invalid requests to every endpoint: none may return a 5xx, every 4xx is a problem, and no broken body is accepted.</summary>
public sealed class FuzzTests(KashifSystem system)
{
    private const int LongString = 100_000;

    /// <summary>Replacements for a JSON value.</summary>
    private static readonly string[] HostileValues =
    [
        "null", "true", "-1", "0", "1e400", "1.7976931348623157e308", "99999999999999999999999999", "-9223372036854775809", "\"\"", "\" \"",
        "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\uFFFE\\u202E\"", "\"'; DROP TABLE users; --\"", "\"{{7*7}}${7*7}\"", "\"../../etc/passwd\"",
        "\"0198f0a0-1111-7000-8000-000000000009\"", "\"9999-12-31T23:59:59.9999999-14:00\"", "\"0001-01-01T00:00:00Z\"", "[]", "{}", "[[[]]]", "{\"a\":{\"b\":[]}}",
        $"\"{new string('x', LongString)}\"", $"\"{new string('ﷺ', 3_000)}\"",
    ];

    /// <summary>Replacements for a part of a path or a query value, already escaped.</summary>
    private static readonly string[] HostileText =
    [
        "%00", "a%00b", "%ff%fe", "%C0%AF", "%ED%A0%80", "..%2f..%2finternal", "%252e%252e%252f", ".", "%2e%2e", "'%22%3C%3E%7B%7D", "-1", "0",
        "99999999999999999999", "1e400", "NaN", "Infinity", "null", "%F0%9F%92%A9", "%EF%BF%BE", "0198f0a0-1111-7000-8000-000000000009", "%0d%0aSet-Cookie:x=1", new('9', 3_000),
    ];

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

        failures.ShouldBeEmpty();
        broken.ShouldBeGreaterThan(allowed);
    }

    [Fact]
    public async Task Invalid_paths_and_queries_do_not_cause_a_5xx()
    {
        using var admin = (await system.RegisterAsync(Roles.Admin)).Client;
        admin.DefaultRequestHeaders.AcceptLanguage.ParseAdd("ar");
        var operations = await OpenApiOperation.AllAsync(admin);

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
        using var citizen = (await system.RegisterAsync()).Client;
        (string Name, string Value)[] headers =
        [
            ("Authorization", "Bearer"), ("Authorization", "Bearer a.b.c"), ("Authorization", $"Bearer {new string('x', 6_000)}"), ("Authorization", "Basic %%%"),
            ("Idempotency-Key", new string('k', 500)), ("Idempotency-Key", "a b"), ("If-Match", "nonsense"), ("If-Match", "\"99999999999999999999\""), ("If-None-Match", "W/\"\"\""),
            ("Accept", "text/csv;q=9"), ("Accept-Language", ";;;q=1,*"), ("Prefer", "respond-async;;="), ("Range", "bytes=9-1"), ("X-Correlation-Id", "a b\tc"),
            ("traceparent", "00-zz-zz-zz"), ("X-Api-Key", new string('k', 2_000)), ("Content-Encoding", "gzip"), ("X-Forwarded-For", "not an address"),
        ];

        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(await OpenApiOperation.AllAsync(citizen), Four, async (operation, _) =>
        {
            foreach (var (name, value) in headers)
            {
                using var request = new HttpRequestMessage(new HttpMethod(operation.Method), Raw(citizen, PathWithMissingIds(operation)));
                if (operation.BodyType is { } type)
                {
                    request.Content = new StringContent(operation.HasForm ? "a=b" : "[]", Encoding.UTF8, type);
                    request.Content.Headers.TryAddWithoutValidation(name, value);
                }

                request.Headers.TryAddWithoutValidation(name, value);
                await CheckAsync(citizen, request, $"{operation} with {name}: {value[..Math.Min(value.Length, 40)]}", failures);
            }
        });

        failures.ShouldBeEmpty();
    }

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
