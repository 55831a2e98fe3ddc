using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Events;
using Kashif.Reporting.Open311;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests.Open311;

/// <summary>What Open311 clients send: requests and updates.</summary>
public sealed class SendTests(ReportingService service)
{
    private const string Requests = $"{Open311Client.Prefix}/requests.json";
    private const string Staff = $"{Root}/open311/requests";

    private readonly HttpClient _client = service.Host.Anonymous();

    private static Dictionary<string, string> Form => new() { ["service_code"] = "pothole", ["lat"] = "33.51", ["long"] = "36.29", ["description"] = "A deep hole.\nIn the right lane." };

    [Fact]
    public async Task A_request_becomes_a_report_of_no_user()
    {
        var (_, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key, description: "A deep hole.\nIn the right lane.", more: [("address_string", "Straight Street"), ("email", "amina@example.org")]);

        var (_, report) = await _client.ReadAsync($"{Root}/{id}");
        report.GetProperty("title").GetString().ShouldBe("A deep hole.");
        report.GetProperty("description").GetString().ShouldBe("A deep hole.\nIn the right lane.");
        report.GetProperty("address").GetString().ShouldBe("Straight Street");
        report.GetProperty("user_id").ValueKind.ShouldBe(JsonValueKind.Null);
        using var staff = service.NewUser(Roles.Staff);
        (await staff.ReadAsync($"{Root}/{id}")).Body.GetProperty("user_id").GetGuid().ShouldBe(Guid.Empty);
        var created = (await service.Tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == id)).GetProperty("data");
        (created.GetProperty("user_id").GetGuid(), created.GetProperty("anonymous").GetBoolean()).ShouldBe((Guid.Empty, true));

        var untitled = await _client.RequestAsync(key, description: "");
        (await _client.ReadAsync($"{Root}/{untitled}")).Body.GetProperty("title").GetString().ShouldBe("Pothole");
    }

    [Fact]
    public async Task A_key_is_accepted_in_the_body_the_query_and_a_header_until_it_is_revoked()
    {
        var (keyId, key) = await service.NewKeyAsync();
        (await SendAsync(new(Form) { ["api_key"] = key })).ShouldBe(200);
        (await SendAsync(Form, query: $"?api_key={key}")).ShouldBe(200);
        (await SendAsync(Form, header: ("X-Api-Key", key))).ShouldBe(200);
        (await SendAsync(Form, header: ("api_key", key))).ShouldBe(200);

        using var admin = service.NewUser(Roles.Admin);
        var listed = (await admin.AllPagesAsync($"{Root}/open311/keys?", 100)).Single(one => one.Id == keyId);
        listed.GetProperty("last_used_at").ValueKind.ShouldBe(JsonValueKind.String);
        listed.GetRawText().ShouldNotContain(key);
        (await service.QueryAsync(database => database.Open311Keys.SingleAsync(row => row.Id == keyId))).Hash.ShouldBe(ApiKey.HashOf(key));

        using var revoked = await admin.DeleteAsync($"{Root}/open311/keys/{keyId}", Cancelled);
        using var again = await admin.DeleteAsync($"{Root}/open311/keys/{keyId}", Cancelled);
        (revoked.StatusCode, again.StatusCode).ShouldBe((HttpStatusCode.NoContent, HttpStatusCode.NotFound));
        (await SendAsync(new(Form) { ["api_key"] = key })).ShouldBe(403);
    }

    [Fact]
    public async Task The_same_idempotency_key_gets_the_same_answer()
    {
        var (_, key) = await service.NewKeyAsync();
        var (_, other) = await service.NewKeyAsync();
        var text = $"Only once {Guid.CreateVersion7()}";

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostAsync(key, text)));
        var replayed = await PostAsync(key, text);
        var changed = await PostAsync(key, "Something else");
        var others = await PostAsync(other, text);

        answers.Where(answer => answer.Status != 409).Select(answer => answer.Body.GetRawText()).Append(replayed.Body.GetRawText()).Distinct().ShouldHaveSingleItem();
        changed.Status.ShouldBe(422);
        changed.Body[0].GetProperty("code").GetInt32().ShouldBe(422);
        others.Status.ShouldBe(200);
        (await service.QueryAsync(database => database.Reports.CountAsync(report => report.Description == text))).ShouldBe(2);

        async Task<(int Status, JsonElement Body)> PostAsync(string apiKey, string description)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Requests)
            {
                Content = new FormUrlEncodedContent(new Dictionary<string, string>(Form) { ["api_key"] = apiKey, ["description"] = description }),
                Headers = { { "Idempotency-Key", "1" } },
            };
            using var response = await _client.SendAsync(request, Cancelled);
            return ((int)response.StatusCode, await response.JsonAsync());
        }
    }

    [Fact]
    public async Task A_key_has_an_hourly_quota_for_requests_and_updates_together()
    {
        var (keyId, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key);
        await service.QueryAsync(database => database.ReportQuotas.Where(quota => quota.UserId == keyId).ExecuteUpdateAsync(set => set.SetProperty(quota => quota.Used, 994)));

        var sent = await Task.WhenAll(Enumerable.Range(0, 12).Select(index => (index % 3) switch
        {
            0 => SendAsync(new(Form) { ["api_key"] = key }),
            1 => SendAsync(new() { ["api_key"] = key, ["service_code"] = "pothole", ["address_string"] = "Here" }),
            _ => SendUpdateAsync(key, id, $"{index}"),
        }));

        sent.Count(status => status == 200).ShouldBe(6);
        sent.Count(status => status == 429).ShouldBe(6);
        using var refused = await _client.PostAsync($"{Requests}?api_key={key}", new FormUrlEncodedContent(Form), Cancelled);
        (refused.Headers.RetryAfter?.Delta).ShouldNotBeNull().ShouldBeGreaterThan(TimeSpan.FromMinutes(30));
    }

    [Fact]
    public async Task A_request_with_an_address_only_gets_a_token_until_staff_place_it_once()
    {
        var (_, key) = await service.NewKeyAsync();
        var answer = await _client.PostFormAsync("/requests.json", "created", new() { ["api_key"] = key, ["service_code"] = "noise", ["address_string"] = "Straight Street 5", ["description"] = "Loud" });
        var token = answer[0].GetProperty("token").GetGuid();
        (await _client.GetJsonAsync($"/tokens/{token}.json", "token"))[0].GetProperty("service_request_id").ValueKind.ShouldBe(JsonValueKind.Null);
        using var staff = service.NewUser(Roles.Staff);
        (await staff.AllPagesAsync($"{Staff}?unplaced=true", 100)).Select(request => request.Id).ShouldContain(token);

        var placed = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => staff.PostAsJsonAsync($"{Staff}/{token}/place", new { latitude = 33.5, longitude = 36.3 }, Cancelled)));

        var report = (await placed.Single(response => response.StatusCode == HttpStatusCode.OK).JsonAsync()).Id;
        placed.Count(response => response.StatusCode == HttpStatusCode.Conflict).ShouldBe(5);
        (await placed.First(response => response.StatusCode == HttpStatusCode.Conflict).JsonAsync()).Code.ShouldBe("already_placed");
        (await _client.GetJsonAsync($"/tokens/{token}.json", "token"))[0].GetProperty("service_request_id").GetGuid().ShouldBe(report);
        ((await _client.GetXmlAsync($"/tokens/{token}.xml")).Element("request")?.Element("token")?.Value).ShouldBe($"{token}");
        (await _client.GetJsonAsync($"/requests/{report}.json", "requests"))[0].GetProperty("address").GetString().ShouldBe("Straight Street 5");
        (await staff.AllPagesAsync($"{Staff}?unplaced=true", 100)).Select(request => request.Id).ShouldNotContain(token);
        using var unknown = await staff.PostAsJsonAsync($"{Staff}/{Guid.CreateVersion7()}/place", new { latitude = 33.5, longitude = 36.3 }, Cancelled);
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);

        // The public may not see it any more.
        await service.QueryAsync(database => database.Database.ExecuteSqlAsync($"UPDATE reports SET hidden = true WHERE id = {report}"));
        (await _client.GetJsonAsync($"/tokens/{token}.json", "token"))[0].GetProperty("service_request_id").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_request_that_is_placed_later_counts_from_when_it_was_sent_and_appears_when_it_is_placed()
    {
        var (_, key) = await service.NewKeyAsync();
        var token = (await _client.PostFormAsync("/requests.json", "created", new() { ["api_key"] = key, ["service_code"] = "pothole", ["address_string"] = "Here" }))[0].GetProperty("token").GetGuid();
        await service.QueryAsync(database => database.Open311Submissions.Where(row => row.Id == token).ExecuteUpdateAsync(set => set.SetProperty(row => row.CreatedAt, row => row.CreatedAt.AddDays(-5))));
        var sent = (await service.QueryAsync(database => database.Open311Submissions.SingleAsync(row => row.Id == token, Cancelled))).CreatedAt;
        using var staff = service.NewUser(Roles.Staff);

        using var placed = await staff.PostAsJsonAsync($"{Staff}/{token}/place", new { latitude = 33.5, longitude = 36.3 }, Cancelled);

        var report = await placed.JsonAsync();
        (report.GetProperty("created_at").GetDateTimeOffset(), report.GetProperty("due_at").GetDateTimeOffset()).ShouldBe((sent, sent.AddDays(14)));
        var request = (await _client.GetJsonAsync($"/requests/{report.Id}.json", "requests"))[0];
        request.GetProperty("requested_datetime").GetDateTimeOffset().ShouldBe(sent, TimeSpan.FromSeconds(1));
        (await ListAsync($"start_date={Day(-6)}&end_date={Day(-4)}")).ShouldContain($"{report.Id}");
        (await ListAsync($"start_date={Day(-1)}")).ShouldNotContain($"{report.Id}");
        (await ListAsync($"updated_after={Day(-1)}")).ShouldContain($"{report.Id}");
        var created = await service.Tap.WaitForAsync(ReportCreated.Type, data => data.GetProperty("report_id").GetGuid() == report.Id);
        created.GetProperty("time").GetDateTimeOffset().ShouldBeGreaterThan(sent.AddDays(4));

        async Task<string[]> ListAsync(string dates) => (await _client.GetJsonAsync($"/requests.json?lat=33.5&long=36.3&radius=1&{dates}", "requests")).RequestIds();
        string Day(int offset) => sent.AddDays(5 + offset).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Only_staff_see_the_reporter_whose_data_is_erased_after_a_year()
    {
        var (_, key) = await service.NewKeyAsync();
        var secret = $"amina-{Guid.CreateVersion7():N}";
        (string, string)[] contact = [("email", $"{secret}@example.org"), ("first_name", secret), ("last_name", secret), ("phone", secret), ("device_id", secret), ("account_id", secret)];
        var (old, young) = (await _client.RequestAsync(key, more: contact), await _client.RequestAsync(key, more: contact));
        using var staff = service.NewUser(Roles.Staff);
        using var citizen = service.Citizen(out _);

        (await staff.ReadAsync($"{Staff}?report_id={old}")).Body.GetProperty("items")[0].GetProperty("email").GetString().ShouldBe($"{secret}@example.org");
        (await citizen.ReadAsync($"{Staff}?report_id={old}")).Status.ShouldBe(403);
        foreach (var path in new[] { $"{Root}/{old}", $"{Root}/{old}/history", $"{Open311Client.Prefix}/requests/{old}.json?extensions=true" })
        {
            (await _client.ReadAsync(path)).Body.GetRawText().ShouldNotContain(secret);
        }

        await service.QueryAsync(database => database.Open311Submissions.Where(row => row.ReportId == old)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.CreatedAt, row => row.CreatedAt.AddDays(-366))));
        await service.Host.Services.GetServices<IHostedService>().OfType<ContactErasure>().Single().RunOnceAsync(Cancelled);

        (await staff.ReadAsync($"{Staff}?report_id={old}")).Body.GetRawText().ShouldNotContain(secret);
        (await staff.ReadAsync($"{Staff}?report_id={young}")).Body.GetRawText().ShouldContain(secret);
        (await _client.GetJsonAsync($"/requests/{old}.json", "requests")).GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task An_update_is_added_once_and_read_with_the_changes_of_status()
    {
        var (_, key) = await service.NewKeyAsync();
        var (_, other) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key);
        using var staff = service.NewUser(Roles.Staff);
        await staff.ChangeStatusAsync(id, new { status = "verified", comment = "Seen." });
        await staff.ChangeStatusAsync(id, new { status = "in_progress" });

        var sent = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SendUpdateAsync(key, id, "17")));
        (await SendUpdateAsync(key, id, "18", "FIXED")).ShouldBe(200);
        (await SendUpdateAsync(other, id, "17")).ShouldBe(200);

        sent.ShouldAllBe(status => status == 200);
        var json = (await _client.GetJsonAsync("/servicerequestupdates.json", "updates")).EnumerateArray().Where(update => update.GetProperty("service_request_id").GetGuid() == id).ToList();
        var xml = (await _client.GetXmlAsync("/servicerequestupdates.xml")).Elements("request_update").Where(update => update.Element("service_request_id")?.Value == $"{id}").ToList();
        json.Select(update => (update.GetProperty("status").GetString(), update.GetProperty("external_status_code").GetString())).ShouldBe(
            [("INVESTIGATING", "verified"), ("IN_PROGRESS", "in_progress"), ("OPEN", null), ("FIXED", null), ("OPEN", null)]);
        json[0].GetProperty("description").GetString().ShouldBe("Seen.");
        xml.Select(update => update.Element("update_id")?.Value).ShouldBe(json.Select(update => update.GetProperty("update_id").GetString()));

        // It changes no status: only staff do.
        (await _client.GetJsonAsync($"/requests/{id}.json", "requests"))[0].GetProperty("status").GetString().ShouldBe("open");
    }

    [Fact]
    public async Task Staff_hide_a_single_update_and_show_it_again()
    {
        var (_, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key);
        (await SendUpdateAsync(key, id, "1")).ShouldBe(200);
        (await SendUpdateAsync(key, id, "2", "FIXED")).ShouldBe(200);
        using var citizen = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        const string Updates = $"{Root}/open311/updates";
        var sent = await staff.AllPagesAsync($"{Updates}?report_id={id}", 1);
        sent.Select(update => update.GetProperty("status").GetString()).ShouldBe(["FIXED", "OPEN"]);

        (await HideAsync(citizen, new { hidden = true, reason = "Insulting" })).Status.ShouldBe(403);
        (await HideAsync(staff, new { hidden = true, reason = " " })).Body.BadFields.ShouldBe(["reason"]);
        (await HideAsync(staff, new { hidden = true, reason = "Insulting" })).Body.GetProperty("hidden_reason").GetString().ShouldBe("Insulting");

        (await PublicAsync()).ShouldBe(["OPEN"]);
        (await SendUpdateAsync(key, id, "2", "FIXED")).ShouldBe(200); // sent again, it stays hidden
        (await PublicAsync()).ShouldBe(["OPEN"]);
        (await staff.ReadAsync($"{Updates}?report_id={id}")).Body.GetProperty("items")[0].GetProperty("hidden").GetBoolean().ShouldBeTrue();

        (await HideAsync(staff, new { hidden = false })).Body.GetProperty("hidden").GetBoolean().ShouldBeFalse();
        (await PublicAsync()).ShouldBe(["OPEN", "FIXED"]);

        async Task<(int Status, JsonElement Body)> HideAsync(HttpClient client, object body)
        {
            using var response = await client.PatchAsJsonAsync($"{Updates}/{sent[0].Id}", body, Cancelled);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        async Task<string?[]> PublicAsync()
        {
            string?[] listed = [.. (await _client.GetJsonAsync("/servicerequestupdates.json", "updates")).EnumerateArray()
                .Where(update => update.GetProperty("service_request_id").GetGuid() == id).Select(update => update.GetProperty("status").GetString())];
            (await _client.GetXmlAsync("/servicerequestupdates.xml")).Elements("request_update")
                .Where(update => update.Element("service_request_id")?.Value == $"{id}").Select(update => update.Element("status")?.Value).ShouldBe(listed);
            (await _client.GetJsonAsync($"/requests/{id}.json?extensions=true", "requests"))[0].GetProperty("notes").EnumerateArray()
                .Select(note => note.GetProperty("type").GetString()?.ToUpperInvariant()).ShouldBe(listed);
            return listed;
        }
    }

    [Fact]
    public async Task Another_agencys_updates_are_not_listed_and_not_hidden()
    {
        var (_, key) = await service.NewKeyAsync();
        var id = await _client.RequestAsync(key);
        (await SendUpdateAsync(key, id, "1")).ShouldBe(200);
        var (agency, employee) = await service.AgencyWithEmployeeAsync();
        using var staff = service.NewUser(Roles.Staff);
        const string Updates = $"{Root}/open311/updates";
        var update = (await staff.AllPagesAsync($"{Updates}?report_id={id}", 1)).ShouldHaveSingleItem().Id;

        (await employee.AllPagesAsync($"{Updates}?report_id={id}", 1)).ShouldBeEmpty();
        (await HideAsync()).ShouldBe(HttpStatusCode.NotFound);
        (await service.QueryAsync(database => database.Open311Updates.AnyAsync(row => row.Id == update && row.HiddenAt != null, Cancelled))).ShouldBeFalse();

        await service.QueryAsync(database => database.Reports.Where(row => row.Id == id).ExecuteUpdateAsync(set => set.SetProperty(row => row.AgencyId, agency).SetProperty(row => row.RoutedByHand, true), Cancelled));
        (await employee.AllPagesAsync($"{Updates}?report_id={id}", 1)).ShouldHaveSingleItem();
        (await HideAsync()).ShouldBe(HttpStatusCode.OK);
        employee.Dispose();

        async Task<HttpStatusCode> HideAsync()
        {
            using var response = await employee.PatchAsJsonAsync($"{Updates}/{update}", new { hidden = true, reason = "Insulting" }, Cancelled);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Files_of_a_multipart_request_become_photos_without_metadata()
    {
        var (_, key) = await service.NewKeyAsync();
        using var form = Multipart(key, Pictures.Jpeg(), Pictures.Png());

        var answer = await _client.SendForJsonAsync(new(HttpMethod.Post, Requests) { Content = form }, "created", 200);

        var id = answer[0].GetProperty("service_request_id").GetString();
        answer[0].GetProperty("service_notice").ValueKind.ShouldBe(JsonValueKind.Null);
        var (_, request) = await _client.ReadAsync($"{Open311Client.Prefix}/requests/{id}.json?extensions=true");
        var photos = request[0].GetProperty("extended_attributes").GetProperty("photos").EnumerateArray().Select(photo => new Uri(photo.GetString() ?? "")).ToArray();
        photos.Length.ShouldBe(2);
        request[0].GetProperty("media_url").GetString().ShouldBe(photos[0].AbsoluteUri);
        var stored = await _client.GetByteArrayAsync(photos[0].PathAndQuery, Cancelled);
        Pictures.Secrets.ShouldAllBe(secret => !System.Text.Encoding.Latin1.GetString(stored).Contains(secret));
    }

    [Fact]
    public async Task A_file_that_is_no_photo_is_refused_and_files_nothing()
    {
        var (_, key) = await service.NewKeyAsync();
        using var form = Multipart(key, "<script>"u8.ToArray());

        using var response = await _client.PostAsync(Requests, form, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync())[0].GetProperty("description").GetString().ShouldNotBeNull().ShouldStartWith("media0: ");
    }

    [Fact]
    public async Task A_photo_with_another_file_is_refused_and_files_nothing()
    {
        var (_, key) = await service.NewKeyAsync();
        using var form = Multipart(key, Polyglots.All["JPEG with a ZIP"]);

        using var response = await _client.PostAsync(Requests, form, Cancelled);

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await response.JsonAsync())[0].GetProperty("description").GetString().ShouldNotBeNull().ShouldStartWith("media0: The file holds another file");
    }

    private static MultipartFormDataContent Multipart(string key, params byte[][] files)
    {
        var form = new MultipartFormDataContent();
        foreach (var (index, file) in files.Index())
        {
            form.Add(new ByteArrayContent(file), $"media{index}", "photo.jpg");
        }

        foreach (var (name, value) in new Dictionary<string, string>(Form) { ["api_key"] = key })
        {
            form.Add(new StringContent(value), name);
        }

        return form;
    }

    private async Task<int> SendAsync(Dictionary<string, string> form, string query = "", (string Name, string Value)? header = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Requests + query) { Content = new FormUrlEncodedContent(form) };
        if (header is var (name, value))
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _client.SendAsync(request, Cancelled);
        return (int)response.StatusCode;
    }

    private async Task<int> SendUpdateAsync(string key, Guid request, string update, string status = "OPEN")
    {
        using var response = await _client.PostAsync(
            $"{Open311Client.Prefix}/servicerequestupdates.json",
            new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["api_key"] = key,
                ["service_request_id"] = $"{request}",
                ["update_id"] = update,
                ["status"] = status,
                ["description"] = "Still there.",
            }),
            Cancelled);
        return (int)response.StatusCode;
    }
}
