using System.Net.Http.Json;
using System.Xml.Linq;
using Kashif.Reporting.Open311;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests.Open311;

/// <summary>The questions of a category as the attributes of a service.</summary>
public sealed class AttributeTests(ReportingService service)
{
    private readonly HttpClient _client = service.Host.Anonymous();

    [Fact]
    public async Task A_service_with_questions_has_a_definition()
    {
        var category = await AskAsync();

        var listed = (await _client.GetJsonAsync("/services.json", "services")).EnumerateArray().Single(one => one.GetProperty("service_code").GetString() == category);
        var json = await _client.GetJsonAsync($"/services/{category}.json", "service_definition");
        var xml = await _client.GetXmlAsync($"/services/{category}.xml");

        listed.GetProperty("metadata").GetBoolean().ShouldBeTrue();
        json.GetProperty("attributes").EnumerateArray().Select(attribute => (attribute.Code, attribute.GetProperty("order").GetInt32()))
            .ShouldBe([("SIZE", 1), ("lanes", 2), ("depth", 3), ("phone", 4)]);
        xml.ToString(SaveOptions.DisableFormatting).ShouldStartWith(
            $"<service_definition><service_code>{category}</service_code><attributes><attribute><variable>true</variable><code>SIZE</code><datatype>singlevaluelist</datatype>"
            + "<required>true</required><datatype_description>Compare it with your hand.</datatype_description><order>1</order><description>How big?</description>"
            + "<values><value><key>small</key><name>SMALL</name></value><value><key>big</key><name>BIG</name></value></values></attribute>");
        (xml.Descendants("attribute").Single(attribute => attribute.Element("code")?.Value == "depth").Element("values")).ShouldBeNull();
    }

    [Fact]
    public async Task Attributes_are_answers_and_only_public_ones_are_shown()
    {
        var category = await AskAsync();
        var (_, key) = await service.NewKeyAsync();
        using var staff = service.NewUser(Roles.Staff);

        using var form = new FormUrlEncodedContent(
        [
            new("api_key", key), new("service_code", category), new("lat", "33.5"), new("long", "36.2"), new("description", "A hole"), new("attribute[SIZE]", "big"),
            new("attribute[lanes][]", "right"), new("attribute[lanes][]", "left"), new("attribute[depth]", "12.5"), new("attribute[phone]", "Call 0912"), new("attribute[easting]", "7"),
        ]);
        var id = (await _client.SendForJsonAsync(new HttpRequestMessage(HttpMethod.Post, $"{Open311Client.Prefix}/requests.json") { Content = form }, "created", 200))[0]
            .GetProperty("service_request_id").GetGuid();

        (await staff.ReadAsync($"{Root}/{id}")).Body.GetProperty("answers").ToString().ShouldBe("""{"SIZE":"big","depth":12.5,"lanes":["left","right"],"phone":"Call 0912"}""");
        var request = (await _client.GetJsonAsync($"/requests/{id}.json?extensions=true", "requests"))[0];
        request.GetProperty("attributes").ToString().ShouldBe(
            """[{"code":"SIZE","description":"How big?","values":[{"key":"big","name":"BIG"}]},"""
            + """{"code":"lanes","description":"Which lanes?","values":[{"key":"left","name":"LEFT"},{"key":"right","name":"RIGHT"}]},"""
            + """{"code":"depth","description":"How deep?","values":[{"key":"12.5","name":"12.5"}]}]""");
        (await _client.GetJsonAsync($"/requests/{id}.json", "requests"))[0].TryGetProperty("attributes", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_missing_and_a_wrong_attribute_are_faults()
    {
        var category = await AskAsync();
        var (_, key) = await service.NewKeyAsync();
        var form = new Dictionary<string, string> { ["api_key"] = key, ["service_code"] = category, ["lat"] = "33.5", ["long"] = "36.2", ["attribute[depth]"] = "deep", ["attribute[lanes]"] = "left" };

        var faults = await _client.PostFormAsync("/requests.json", "errors", form, 400);
        var same = await _client.PostFormAsync("/requests.json", "created", new(form) { ["attribute[SIZE]"] = "big", ["attribute[depth]"] = "3" });

        faults.EnumerateArray().Select(fault => fault.GetProperty("description").GetString()).ShouldBe(["attribute[depth]: Must be a number.", "SIZE required"]);
        same[0].GetProperty("service_request_id").GetGuid().ShouldNotBe(Guid.Empty);
    }

    [Fact]
    public async Task Answers_wait_with_a_request_that_has_no_place_and_private_texts_are_erased_with_the_contacts()
    {
        var category = await AskAsync();
        var (_, key) = await service.NewKeyAsync();
        using var staff = service.NewUser(Roles.Staff);
        var sent = (await _client.PostFormAsync("/requests.json", "created", new()
        {
            ["api_key"] = key,
            ["service_code"] = category,
            ["address_string"] = "Straight Street",
            ["attribute[SIZE]"] = "small",
            ["attribute[phone]"] = "Call 0912",
        }))[0];
        var token = Guid.Parse(sent.GetProperty("token").GetString() ?? "");

        using var placed = await staff.PostAsJsonAsync($"{Root}/open311/requests/{token}/place", new { latitude = 1.0, longitude = 1.0 }, Cancelled);
        var id = (await placed.JsonAsync()).Id;
        (await staff.ReadAsync($"{Root}/{id}")).Body.GetProperty("answers").ToString().ShouldBe("""{"SIZE":"small","phone":"Call 0912"}""");

        await service.QueryAsync(database => database.Open311Submissions.Where(row => row.Id == token)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.CreatedAt, TimeProvider.System.GetUtcNow().AddDays(-400)), Cancelled));
        await service.Host.Services.GetServices<IHostedService>().OfType<ContactErasure>().Single().RunOnceAsync(Cancelled);

        (await staff.ReadAsync($"{Root}/{id}")).Body.GetProperty("answers").ToString().ShouldBe("""{"SIZE":"small"}""");
        (await service.QueryAsync(database => database.Open311Submissions.SingleAsync(row => row.Id == token, Cancelled))).Answers.ShouldBeNull();
    }

    private Task<string> AskAsync() => QuestionTests.AskAsync(service,
    [
        new { code = "SIZE", type = "singlevaluelist", required = true, @public = true, text_en = "How big?", text_ar = "ما حجمها؟", hint_en = "Compare it with your hand.", position = 1, choices = QuestionTests.Choices("small", "big") },
        new { code = "lanes", type = "multivaluelist", @public = true, text_en = "Which lanes?", text_ar = "أي مسارب؟", position = 2, choices = QuestionTests.Choices("left", "right") },
        new { code = "depth", type = "number", @public = true, text_en = "How deep?", text_ar = "ما عمقها؟", position = 3 },
        new { code = "phone", type = "text", text_en = "Where can we call you?", text_ar = "أين نتصل بك؟", position = 4 },
    ]);
}
