using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Json.Schema;
using Kashif.Security;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests.Open311;

/// <summary>A client of Open311 that checks each response: its headers, its XML declaration, and its JSON against the schemas of the specification.</summary>
internal static class Open311Client
{
    public const string Prefix = "/open311/v2";

    private static readonly string Schemas = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Open311", "geo-report.schema.json"));

    extension(ReportingService service)
    {
        /// <summary>A new API key.</summary>
        public async Task<(Guid Id, string Key)> NewKeyAsync(string? jurisdiction = null)
        {
            using var admin = service.NewUser(Roles.Admin);
            using var response = await admin.PostAsJsonAsync($"{Root}/open311/keys", new { name = "A client", jurisdiction }, Cancelled);
            ((int)response.StatusCode).ShouldBe(201);
            var body = await response.JsonAsync();
            return (body.Id, body.GetProperty("key").GetString() ?? "");
        }
    }

    extension(HttpClient client)
    {
        /// <param name="path">Below the prefix, with its format.</param>
        /// <param name="schema">One of the schema file's definitions; ignored for XML.</param>
        public Task<JsonElement> GetJsonAsync(string path, string schema, int status = 200) =>
            client.SendForJsonAsync(new HttpRequestMessage(HttpMethod.Get, Prefix + path), schema, status);

        public Task<XElement> GetXmlAsync(string path, int status = 200) => client.SendForXmlAsync(new HttpRequestMessage(HttpMethod.Get, Prefix + path), status);

        public Task<JsonElement> PostFormAsync(string path, string schema, Dictionary<string, string> form, int status = 200) =>
            client.SendForJsonAsync(new HttpRequestMessage(HttpMethod.Post, Prefix + path) { Content = new FormUrlEncodedContent(form) }, schema, status);

        /// <returns>The id of the new request.</returns>
        public async Task<Guid> RequestAsync(string key, double latitude = 33.51, double longitude = 36.29, string description = "In the right lane.", params (string, string)[] more)
        {
            var form = new Dictionary<string, string>
            {
                ["api_key"] = key,
                ["service_code"] = "pothole",
                ["lat"] = FormattableString.Invariant($"{latitude}"),
                ["long"] = FormattableString.Invariant($"{longitude}"),
                ["description"] = description,
            };
            foreach (var (name, value) in more)
            {
                form[name] = value;
            }

            return (await client.PostFormAsync("/requests.json", "created", form))[0].GetProperty("service_request_id").GetGuid();
        }

        public async Task<JsonElement> SendForJsonAsync(HttpRequestMessage request, string schema, int status)
        {
            using var response = await client.SendAsync(request, Cancelled);
            var text = await response.Content.ReadAsStringAsync(Cancelled);
            ((int)response.StatusCode).ShouldBe(status, text);
            (response.Content.Headers.ContentType?.ToString()).ShouldBe("application/json; charset=utf-8");
            using var json = JsonDocument.Parse(text);
            var rules = JsonSchema.FromText(Schemas.Replace("\"$defs\"", $"\"$ref\": \"#/$defs/{schema}\", \"$defs\"", StringComparison.Ordinal), new BuildOptions { SchemaRegistry = new SchemaRegistry() });
            rules.Evaluate(json.RootElement, new EvaluationOptions { RequireFormatValidation = true }).IsValid.ShouldBeTrue($"{schema}: {text}");
            return json.RootElement.Clone();
        }

        public async Task<XElement> SendForXmlAsync(HttpRequestMessage request, int status)
        {
            using var response = await client.SendAsync(request, Cancelled);
            var bytes = await response.Content.ReadAsByteArrayAsync(Cancelled);
            var text = Encoding.UTF8.GetString(bytes);
            ((int)response.StatusCode).ShouldBe(status, text);
            (response.Content.Headers.ContentType?.ToString()).ShouldBe("text/xml; charset=utf-8");
            text.ShouldStartWith("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
            return XDocument.Parse(text).Root.ShouldNotBeNull();
        }
    }

    public static string[] RequestIds(this JsonElement requests) => [.. requests.EnumerateArray().Select(request => request.GetProperty("service_request_id").GetString() ?? "")];
}
