using System.Net.Http.Headers;
using System.Xml.Linq;

namespace Kashif.Reporting.Tests.Open311;

/// <summary>Every error of Open311, in both formats.</summary>
public sealed class ErrorTests(ReportingService service) : IAsyncLifetime
{
    private const string Place = "service_code=pothole&lat=1&long=1";

    private readonly HttpClient _client = service.Host.Anonymous();
    private string _key = "";
    private Guid _request;

    public async ValueTask InitializeAsync()
    {
        (_, _key) = await service.NewKeyAsync();
        _request = await _client.RequestAsync(_key);
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("/services/no_such", 404, "service_code not found")]
    [InlineData("/requests/no_such", 404, "service_request_id not found")]
    [InlineData("/requests/0198f0a0-1111-7000-8000-000000000009", 404, "service_request_id not found")]
    [InlineData("/tokens/no_such", 404, "token not found")]
    [InlineData("/tokens/0198f0a0-1111-7000-8000-000000000009", 404, "token not found")]
    [InlineData("/requests?service_code=pothole,no_such", 404, "service_code no_such not found")]
    [InlineData("/requests?status=lost", 400, "status: must be open or closed")]
    [InlineData("/requests?start_date=yesterday", 400, "start_date: must be a date and time such as 2027-03-01T09:00:00Z")]
    [InlineData("/requests?end_date=2027-03-01T09:00:00", 400, "end_date: must be a date and time such as 2027-03-01T09:00:00Z")]
    [InlineData("/requests?start_date=2027-02-30", 400, "start_date: must be a date and time such as 2027-03-01T09:00:00Z")]
    [InlineData("/requests?start_date=2026-01-01T00:00:00Z&end_date=2026-06-01T00:00:00Z", 400, "start_date and end_date must be at most 90 days apart")]
    [InlineData("/requests?start_date=2026-02-01T00:00:00Z&end_date=2026-01-01T00:00:00Z", 400, "start_date must not be after end_date")]
    [InlineData("/requests?page=x", 400, "page: must be a whole number from 0 to 1000")]
    [InlineData("/requests?page=11", 400, "page: only the first 10000 requests can be read by page. Send the last service_request_id as before")]
    [InlineData("/requests?before=x", 400, "before: must be a service_request_id")]
    [InlineData("/requests?page_size=1001", 400, "page_size: must be a whole number from 1 to 1000")]
    [InlineData("/requests?bbox=1,2,3", 400, "bbox: must be west,south,east,north in degrees")]
    [InlineData("/requests?bbox=1,2,3,x", 400, "bbox: must be west,south,east,north in degrees")]
    [InlineData("/requests?bbox=1,5,3,2", 400, "bbox: must be west,south,east,north in degrees")]
    [InlineData("/requests?lat=1", 400, "long required")]
    [InlineData("/requests?radius=1", 400, "lat required")]
    [InlineData("/requests?lat=91&long=1", 400, "lat: must be a number from -90 to 90")]
    [InlineData("/requests?lat=NaN&long=1", 400, "lat: must be a number from -90 to 90")]
    [InlineData("/requests?status=%00", 400, null)]
    [InlineData("/servicerequestupdates?start_date=x", 400, "start_date: must be a date and time such as 2027-03-01T09:00:00Z")]
    [InlineData("/no_such", 404, null)]
    public Task A_wrong_read_is_refused(string path, int status, string? description) => BothAsync(HttpMethod.Get, path, null, status, description);

    [Theory]
    [InlineData("service_code=pothole&lat=1&long=1", 403, "api_key required")]
    [InlineData("service_code=pothole&lat=1&long=1&api_key=", 403, "api_key required")]
    [InlineData("service_code=pothole&lat=1&long=1&api_key=wrong", 403, "Invalid api_key received -- can't proceed with create_request.")]
    public async Task A_post_without_a_valid_key_is_refused(string form, int status, string description)
    {
        await BothAsync(HttpMethod.Post, "/requests", form, status, description);
        await BothAsync(HttpMethod.Post, "/servicerequestupdates", form, status, description);
    }

    [Theory]
    [InlineData("lat=1&long=1", 400, "service_code required")]
    [InlineData("service_code=no_such&lat=1&long=1", 404, "service_code not found")]
    [InlineData("service_code=pothole", 400, "location required: lat and long, address_string or address_id")]
    [InlineData("service_code=pothole&lat=1", 400, "long required")]
    [InlineData("service_code=pothole&long=1&address_string=Here", 400, "lat required")]
    [InlineData("service_code=pothole&lat=91&long=1", 400, "lat: must be a number from -90 to 90")]
    [InlineData("service_code=pothole&lat=1,5&long=1", 400, "lat: must be a number from -90 to 90")]
    [InlineData($"{Place}&email=nobody", 400, "email: must be an e-mail address")]
    [InlineData($"{Place}&media_url=javascript:alert(1)", 400, "media_url: must be an http or https address")]
    [InlineData($"{Place}&description=%EF%BF%BE", 400, "description: the characters U+0000 and U+FFFE are not allowed")]
    public Task A_wrong_request_is_refused(string form, int status, string description) => BothAsync(HttpMethod.Post, "/requests", $"{form}&api_key={_key}", status, description);

    [Fact]
    public async Task A_description_has_at_most_4000_characters()
    {
        await BothAsync(HttpMethod.Post, "/requests", $"{Place}&api_key={_key}&description={new string('x', 4001)}", 400, "description: at most 4000 characters");
        await _client.RequestAsync(_key, description: new string('ح', 4000));
    }

    [Theory]
    [InlineData("update_id=1&status=OPEN", 400, "service_request_id required")]
    [InlineData("service_request_id={0}&status=OPEN", 400, "update_id required")]
    [InlineData("service_request_id={0}&update_id=1", 400, "status required")]
    [InlineData("service_request_id={0}&update_id=1&status=LOST", 400, null)]
    [InlineData("service_request_id={0}&update_id=1&status=OPEN&updated_datetime=now", 400, "updated_datetime: must be a date and time such as 2027-03-01T09:00:00Z")]
    [InlineData("service_request_id=0198f0a0-1111-7000-8000-000000000009&update_id=1&status=OPEN", 404, "service_request_id not found")]
    [InlineData("service_request_id=x&update_id=1&status=OPEN", 404, "service_request_id not found")]
    public Task A_wrong_update_is_refused(string form, int status, string? description) => BothAsync(
        HttpMethod.Post, "/servicerequestupdates", $"{form.Replace("{0}", $"{_request}", StringComparison.Ordinal)}&api_key={_key}", status, description);

    [Fact]
    public async Task All_faults_are_named_at_once()
    {
        var errors = await _client.PostFormAsync("/requests.json", "errors", new() { ["api_key"] = _key, ["lat"] = "x", ["email"] = "x" }, 400);

        errors.EnumerateArray().Select(error => error.GetProperty("description").GetString())
            .ShouldBe(["service_code required", "lat: must be a number from -90 to 90", "email: must be an e-mail address"]);
    }

    [Fact]
    public async Task Refusals_of_the_framework_have_the_format_of_the_path()
    {
        await BothAsync(HttpMethod.Delete, "/requests", null, 405, null);
        foreach (var format in new[] { "json", "xml" })
        {
            using var json = new StringContent("[]", new MediaTypeHeaderValue("application/json"));
            await SendAsync(new(HttpMethod.Post, Path("/requests", format)) { Content = json }, format, 400, "Send the parameters as application/x-www-form-urlencoded or multipart/form-data");
            using var broken = new StringContent("--x\r\nnothing", MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x"));
            await SendAsync(new(HttpMethod.Post, Path("/requests", format)) { Content = broken }, format, 400, null);
            foreach (var body in new[] { "garbage", "--x\r\nContent-Disposition: form-data; name=\"api_key\"\r\n\r\na", "--x\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a\"\r\n\r\na" })
            {
                using var cut = new StringContent(body, MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x"));
                await SendAsync(new(HttpMethod.Post, Path("/requests", format)) { Content = cut }, format, 400, "The form is malformed or has too many parameters");
            }

            using var large = new ByteArrayContent(new byte[13 * 1024 * 1024]) { Headers = { ContentType = MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded") } };
            await SendAsync(new(HttpMethod.Post, Path("/requests", format)) { Content = large, Headers = { ExpectContinue = true } }, format, 413, null);
        }

        var xml = await _client.GetXmlAsync("/requests.csv", 404);
        xml.ToString(SaveOptions.DisableFormatting).ShouldBe("<errors><error><code>404</code><description>The path must end in .xml or .json</description></error></errors>");
    }

    [Fact]
    public async Task Several_jurisdictions_must_be_named()
    {
        await using var host = await service.StartAnotherAsync(0, service.Host.Database, settings: new() { ["Open311:Jurisdictions:0"] = "one.example", ["Open311:Jurisdictions:1"] = "two.example" });
        using var client = host.Anonymous();
        var (_, key) = await service.NewKeyAsync("one.example");

        await client.GetJsonAsync("/services.json", "errors", 400);
        await client.GetJsonAsync("/services.json?jurisdiction_id=three.example", "errors", 404);
        await client.GetJsonAsync("/services.json?jurisdiction_id=two.example", "services");
        await client.GetJsonAsync("/discovery.json", "discovery");
        var form = new Dictionary<string, string> { ["api_key"] = key, ["service_code"] = "pothole", ["lat"] = "1", ["long"] = "1" };
        await client.PostFormAsync("/requests.json", "errors", form, 400);
        await client.PostFormAsync("/requests.json", "errors", new(form) { ["jurisdiction_id"] = "three.example" }, 404);
        await client.PostFormAsync("/requests.json", "errors", new(form) { ["jurisdiction_id"] = "two.example" }, 403);
        await client.PostFormAsync("/requests.json", "created", new(form) { ["jurisdiction_id"] = "one.example" });
    }

    private async Task BothAsync(HttpMethod method, string path, string? form, int status, string? description)
    {
        foreach (var format in new[] { "json", "xml" })
        {
            await SendAsync(
                new(method, Path(path, format)) { Content = form is null ? null : new StringContent(form, new MediaTypeHeaderValue("application/x-www-form-urlencoded")) },
                format, status, description);
        }
    }

    private async Task SendAsync(HttpRequestMessage request, string format, int status, string? description)
    {
        if (format == "json")
        {
            var error = (await _client.SendForJsonAsync(request, "errors", status))[0];
            error.GetProperty("code").GetInt32().ShouldBe(status);
            error.GetProperty("description").GetString().ShouldBe(description ?? error.GetProperty("description").GetString());
            return;
        }

        var xml = await _client.SendForXmlAsync(request, status);
        xml.Name.LocalName.ShouldBe("errors");
        var first = xml.Elements("error").First();
        first.Elements().Select(field => field.Name.LocalName).ShouldBe(["code", "description"]);
        (first.Element("code")?.Value).ShouldBe($"{status}");
        (first.Element("description")?.Value).ShouldBe(description ?? first.Element("description")?.Value);
    }

    private static string Path(string path, string format) =>
        path.Split('?') is [var plain, var query] ? $"{Open311Client.Prefix}{plain}.{format}?{query}" : $"{Open311Client.Prefix}{path}.{format}";
}
