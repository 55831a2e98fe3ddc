using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Reporting.AuditTrail;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.EntityFrameworkCore;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The questions of categories, and their answers.</summary>
public sealed class QuestionTests(ReportingService service)
{
    internal static readonly object[] Questions =
    [
        new { code = "size", type = "singlevaluelist", required = true, @public = true, text_en = "How big?", text_ar = "ما حجمها؟", position = 1, choices = Choices("small", "big") },
        new { code = "lanes", type = "multivaluelist", @public = true, text_en = "Which lanes?", text_ar = "أي مسارب؟", position = 2, choices = Choices("left", "middle", "right") },
        new { code = "depth", type = "number", @public = true, text_en = "How deep?", text_ar = "ما عمقها؟", position = 3, hint_en = "In centimetres." },
        new { code = "since", type = "datetime", @public = true, text_en = "Since when?", text_ar = "منذ متى؟", position = 4 },
        new { code = "mark", type = "string", @public = true, text_en = "A mark?", text_ar = "علامة؟", position = 5 },
        new { code = "phone", type = "text", text_en = "Where can we call you?", text_ar = "أين نتصل بك؟", position = 6 },
    ];

    [Fact]
    public async Task Answers_of_each_type_are_checked_and_stored()
    {
        var category = await AskAsync(Questions);
        using var owner = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();
        using var staff = service.NewUser(Roles.Staff);

        var listed = (await anyone.ReadAsync($"{Root}/categories/{category}/questions")).Body.GetProperty("items");
        var (status, filed) = await FileAsync(owner, category, new
        {
            size = "big",
            lanes = new[] { "right", "left" },
            depth = 20.5,
            since = "2026-11-01T08:00:00+03:00",
            mark = "  near the tree ",
            phone = "On 0912",
        });

        listed.EnumerateArray().Select(item => item.Code).ShouldBe(["size", "lanes", "depth", "since", "mark", "phone"]);
        listed[0].GetProperty("choices")[1].GetProperty("key").GetString().ShouldBe("big");
        status.ShouldBe(201, filed.ToString());
        var path = $"{Root}/{filed.Id}";
        var all = (await owner.ReadAsync(path)).Body.GetProperty("answers");
        all.EnumerateObject().ToDictionary(answer => answer.Name, answer => answer.Value.ToString()).ShouldBe(
            new Dictionary<string, string>
            {
                ["depth"] = "20.5",
                ["lanes"] = """["left","right"]""",
                ["mark"] = "near the tree",
                ["phone"] = "On 0912",
                ["since"] = "2026-11-01T05:00:00Z",
                ["size"] = "big",
            }, ignoreOrder: true);
        (await staff.ReadAsync(path)).Body.GetProperty("answers").EnumerateObject().Count().ShouldBe(6);
        (await anyone.ReadAsync(path)).Body.GetProperty("answers").EnumerateObject().Select(answer => answer.Name).ShouldBe(["depth", "lanes", "mark", "since", "size"]);
    }

    [Theory]
    [InlineData("""{}""", "size")]
    [InlineData("""{"size": null}""", "size")]
    [InlineData("""{"size": ""}""", "size")]
    [InlineData("""{"size": "huge"}""", "size")]
    [InlineData("""{"size": ["big"]}""", "size")]
    [InlineData("""{"size": "big", "colour": "red"}""", "colour")]
    [InlineData("""{"size": "big", "lanes": "left"}""", "lanes")]
    [InlineData("""{"size": "big", "lanes": ["left", "left"]}""", "lanes")]
    [InlineData("""{"size": "big", "lanes": ["left", null]}""", "lanes")]
    [InlineData("""{"size": "big", "depth": "20"}""", "depth")]
    [InlineData("""{"size": "big", "depth": 1e999}""", "depth")]
    [InlineData("""{"size": "big", "since": "2026-11-01"}""", "since")]
    [InlineData("""{"size": "big", "since": "2026-13-01T00:00:00Z"}""", "since")]
    [InlineData("""{"size": "big", "mark": 5}""", "mark")]
    [InlineData("""{"size": "big", "mark": "a\u0000b"}""", "mark")]
    [InlineData("""{"size": "big", "mark": "\ud800"}""", "mark")]
    [InlineData("""{"size": "big", "phone": {"a": 1}}""", "phone")]
    public async Task A_wrong_answer_is_named_and_the_report_is_not_filed(string answers, string field)
    {
        var category = await AskAsync(Questions);
        using var owner = service.Citizen(out _);

        var body = $$"""{"title": "A hole", "description": "", "category": "{{category}}", "latitude": 1, "longitude": 1, "answers": {{answers}}}""";
        using var response = await owner.PostAsync(Root, new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancelled);

        ((int)response.StatusCode).ShouldBe(400);
        (await response.JsonAsync()).BadFields.ShouldBe([$"answers.{field}"]);
        (await service.QueryAsync(database => database.Reports.CountAsync(report => report.Category == category, Cancelled))).ShouldBe(0);
    }

    [Fact]
    public async Task No_surface_and_no_cache_shows_private_answers()
    {
        var category = await AskAsync(Questions);
        using var owner = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();
        using var staff = service.NewUser(Roles.Staff);
        using var admin = service.NewUser(Roles.Admin);
        var id = (await FileAsync(owner, category, new { size = "big", mark = "Orchid 71", phone = "Secret 71" })).Body.Id;
        var path = $"{Root}/{id}";

        using var mine = await owner.GetAsync(path, Cancelled);
        using var shared = await anyone.GetAsync(path, Cancelled);
        mine.Headers.CacheControl?.Private.ShouldBeTrue();
        shared.Headers.CacheControl?.Public.ShouldBeTrue();
        mine.Headers.ETag.ShouldNotBe(shared.Headers.ETag);
        string[] surfaces =
        [
            path, $"{path}/history", $"{path}/timeline", $"{Root}?category={category}", $"{Root}/sync", $"{Root}/export.geojson?category={category}", $"{Root}/export.csv?category={category}",
            $"{Root}/clusters?zoom=3&category={category}", $"/open311/v2/requests/{id}.json?extensions=true", $"/open311/v2/requests/{id}.xml?extensions=true",
        ];
        foreach (var surface in surfaces)
        {
            (await anyone.GetStringOrEmptyAsync(surface)).ShouldNotContain("Secret 71", Case.Sensitive, surface);
        }

        // An answer that is not public any more leaves what caches revalidate.
        (await anyone.GetStringOrEmptyAsync(path)).ShouldContain("Orchid 71");
        (await CategoryTests.SendAsync(admin, HttpMethod.Patch, $"/{category}/questions/mark", new { @public = false })).Status.ShouldBe(200);
        using var again = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { IfNoneMatch = { shared.Headers.ETag.ShouldNotBeNull() } } };
        using var revalidated = await anyone.SendAsync(again, Cancelled);
        ((int)revalidated.StatusCode).ShouldBe(200);
        (await revalidated.Content.ReadAsStringAsync(Cancelled)).ShouldNotContain("Orchid 71");
        (await staff.GetStringOrEmptyAsync(path)).ShouldContain("Orchid 71");
    }

    [Fact]
    public async Task The_owner_edits_answers_while_the_report_is_submitted()
    {
        var category = await AskAsync(Questions);
        using var owner = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        var id = (await FileAsync(owner, category, new { size = "big", depth = 5 })).Body.Id;

        var (status, edited) = await PatchAsync(owner, id, new { answers = new { size = "small", depth = (double?)null, mark = "At the corner" } });

        status.ShouldBe(200, edited.ToString());
        edited.GetProperty("answers").EnumerateObject().Select(answer => $"{answer.Name}={answer.Value}").ShouldBe(["mark=At the corner", "size=small"]);
        edited.GetProperty("version").GetInt32().ShouldBe(2);
        (await PatchAsync(owner, id, new { answers = new { size = "small" } })).Body.GetProperty("version").GetInt32().ShouldBe(2, "nothing has changed");
        (await PatchAsync(owner, id, new { answers = new { size = (string?)null } })).Body.BadFields.ShouldBe(["answers.size"]);
        (await PatchAsync(staff, id, new { answers = new { size = "big" } })).Body.Code.ShouldBe("forbidden");
        (await owner.AllPagesAsync($"{Root}/{id}/history?", 10)).Last().GetProperty("fields").EnumerateArray().Single().GetString().ShouldBe("answers");
        (await staff.ChangeStatusAsync(id, new { status = "verified" })).Status.ShouldBe(200);
        (await PatchAsync(owner, id, new { answers = new { size = "big" } })).Body.Code.ShouldBe("report_not_editable");
    }

    [Fact]
    public async Task Answers_that_do_not_fit_a_new_category_go()
    {
        var category = await AskAsync(Questions);
        var next = await AskAsync(
        [
            new { code = "size", type = "singlevaluelist", @public = true, text_en = "How big?", text_ar = "ما حجمها؟", choices = Choices("big", "enormous") },
            new { code = "depth", type = "string", @public = true, text_en = "How deep?", text_ar = "ما عمقها؟" },
            new { code = "reason", type = "string", required = true, text_en = "Why?", text_ar = "لماذا؟" },
        ]);
        using var owner = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);
        using var anyone = service.Host.Anonymous();
        var id = (await FileAsync(owner, category, new { size = "big", depth = 5, mark = "Here" })).Body.Id;

        (await PatchAsync(owner, id, new { category = next })).Body.BadFields.ShouldBe(["answers.reason"]);
        var (status, edited) = await PatchAsync(staff, id, new { category = next, reason = "It is a gate." });

        status.ShouldBe(200, edited.ToString());
        edited.GetProperty("answers").EnumerateObject().Select(answer => $"{answer.Name}={answer.Value}").ShouldBe(["size=big"]);
        var entry = (await anyone.AllPagesAsync($"{Root}/{id}/history?", 10)).Last();
        entry.GetProperty("fields").EnumerateArray().Select(field => field.GetString()).ShouldBe(["category", "answers"]);
        entry.GetProperty("comment").GetString().ShouldBe("It is a gate.");
    }

    [Fact]
    public async Task A_question_that_was_answered_is_kept_when_it_is_deleted()
    {
        var category = await AskAsync(Questions);
        using var admin = service.NewUser(Roles.Admin);
        using var owner = service.Citizen(out _);
        var id = (await FileAsync(owner, category, new { size = "big", depth = 5 })).Body.Id;

        (await CategoryTests.SendAsync(admin, HttpMethod.Delete, $"/{category}/questions/size", null, "\"7\"")).Body.Code.ShouldBe("precondition_failed");
        foreach (var code in new[] { "size", "depth", "mark" })
        {
            (await CategoryTests.SendAsync(admin, HttpMethod.Delete, $"/{category}/questions/{code}", null)).Status.ShouldBe(204);
        }

        (await CodesAsync(owner, category, "")).ShouldBe(["lanes", "since", "phone"]);
        (await CodesAsync(owner, category, "?inactive=true")).ShouldBe(["size", "lanes", "depth", "since", "phone"]);
        (await owner.ReadAsync($"{Root}/{id}")).Body.GetProperty("answers").EnumerateObject().Count().ShouldBe(2);
        (await FileAsync(owner, category, new { })).Status.ShouldBe(201, "the required question is not asked any more");
        (await FileAsync(owner, category, new { size = "big" })).Body.BadFields.ShouldBe(["answers.size"]);
        (await CategoryTests.SendAsync(admin, HttpMethod.Post, $"/{category}/questions", Questions[0])).Body.Code.ShouldBe("question_exists");
    }

    [Fact]
    public async Task Answers_that_are_filed_while_their_question_is_deleted_are_kept_with_it_or_not_at_all()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var owner = service.Citizen(out _);
        for (var round = 0; round < 4; round++)
        {
            var category = await AskAsync([Questions[2]]);
            var filing = Enumerable.Range(0, 6).Select(_ => FileAsync(owner, category, new { depth = 3 })).ToList();
            var deletion = CategoryTests.SendAsync(admin, HttpMethod.Delete, $"/{category}/questions/depth", null);
            await Task.WhenAll([.. filing, deletion]);

            foreach (var filed in filing)
            {
                var (status, body) = await filed;
                (status == 201 || body.BadFields.Single() == "answers.depth").ShouldBeTrue(body.ToString());
            }

            (await deletion).Status.ShouldBe(204);
            var (answers, questions) = await service.QueryAsync(async database => (
                await database.ReportAnswers.CountAsync(answer => answer.Category == category, Cancelled), await database.Questions.Where(question => question.Category == category).ToListAsync(Cancelled)));
            questions.Select(question => question.Active).ShouldBe(answers > 0 ? [false] : []);
        }
    }

    [Fact]
    public async Task A_question_does_not_become_public_under_an_answer_that_is_being_stored()
    {
        using var admin = service.NewUser(Roles.Admin);
        using var owner = service.Citizen(out _);
        var category = await AskAsync([Questions[5]]);
        var id = (await FileAsync(owner, category, new { })).Body.Id;
        var publishing = await service.QueryAsync(async database =>
        {
            await using var storing = await database.Database.BeginTransactionAsync(Cancelled); // as ReportAnswers does
            await database.Database.ExecuteSqlAsync($"SELECT FROM questions WHERE category = {category} AND code = 'phone' FOR KEY SHARE", Cancelled);
            await database.Database.ExecuteSqlAsync(
                $"""INSERT INTO report_answers (report_id, category, question, value) VALUES ({id}, {category}, 'phone', '"0123"')""", Cancelled);
            var publish = CategoryTests.SendAsync(admin, HttpMethod.Patch, $"/{category}/questions/phone", new { @public = true });
            await Eventually.TrueAsync(
                async () => publish.IsCompleted || await service.QueryAsync(other => other.Database.SqlQuery<bool>(
                    $"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM questions%FOR UPDATE%') AS \"Value\"").SingleAsync(Cancelled)),
                "the change that waits");
            await storing.CommitAsync(Cancelled);
            return publish;
        });

        (await publishing).Body.Code.ShouldBe("question_answered");
    }

    [Fact]
    public async Task A_batch_and_an_edit_take_answers_too()
    {
        var category = await AskAsync(Questions);
        using var owner = service.Citizen(out _);
        object Offline(string id, object answers) =>
            new { client_id = id, captured_at = TimeProvider.System.GetUtcNow(), title = "A hole", description = "", category, latitude = 1.0, longitude = 1.0, answers };

        using var response = await owner.PostAsJsonAsync($"{Root}/batch", new { reports = new[] { Offline("one", new { size = "big" }), Offline("two", new { depth = "deep" }) } }, Cancelled);

        var items = (await response.JsonAsync()).GetProperty("items");
        items[0].GetProperty("outcome").GetString().ShouldBe("created", items.ToString());
        items[1].BadFields.ShouldBe(["answers.depth", "answers.size"]);
        (await owner.ReadAsync($"{Root}/{items[0].GetProperty("report_id").GetGuid()}")).Body.GetProperty("answers").GetProperty("size").GetString().ShouldBe("big");
    }

    [Fact]
    public async Task Admins_manage_questions_and_each_wrong_field_is_named()
    {
        var category = await AskAsync([]);
        using var admin = service.NewUser(Roles.Admin);
        using var staff = service.NewUser(Roles.Moderator);
        var path = $"/{category}/questions";

        (await CategoryTests.SendAsync(staff, HttpMethod.Post, path, Questions[0])).Status.ShouldBe(403);
        (await CategoryTests.SendAsync(admin, HttpMethod.Post, "/no_such/questions", Questions[0])).Status.ShouldBe(404);
        (await CategoryTests.SendAsync(admin, HttpMethod.Post, path, new { code = "a b", type = "number", text_en = "", text_ar = " ", position = -1, choices = Choices("x") })).Body.BadFields
            .ShouldBe(["choices", "code", "position", "text_ar", "text_en"]);
        foreach (var choices in new[] { Choices(), Choices("a", "a"), Choices("a b") })
        {
            (await CategoryTests.SendAsync(admin, HttpMethod.Post, path, new { code = "a", type = "singlevaluelist", text_en = "A?", text_ar = "أ؟", choices })).Status.ShouldBe(400);
        }

        (await CategoryTests.SendAsync(admin, HttpMethod.Post, path, Questions[2])).Status.ShouldBe(201);
        (await CategoryTests.SendAsync(admin, HttpMethod.Patch, $"{path}/depth", new { choices = Choices("a") })).Body.BadFields.ShouldBe(["choices"]);
        (await CategoryTests.SendAsync(admin, HttpMethod.Post, path, new { code = "a", type = "singlevaluelist", text_en = "A?", text_ar = "أ؟", choices = new object?[] { null } })).Body.BadFields
            .ShouldBe(["choices"]);
        var (status, changed) = await CategoryTests.SendAsync(admin, HttpMethod.Patch, $"{path}/depth", new { text_en = "How deep is it?", hint_en = "", required = true }, "\"1\"");
        status.ShouldBe(200, changed.ToString());
        (changed.GetProperty("version").GetInt32(), changed.GetProperty("required").GetBoolean(), changed.TryGetProperty("hint", out _)).ShouldBe((2, true, false));
        (await CategoryTests.SendAsync(admin, HttpMethod.Patch, $"{path}/depth", new { position = 9 }, "\"1\"")).Body.Code.ShouldBe("precondition_failed");
        (await CategoryTests.SendAsync(admin, HttpMethod.Patch, $"{path}/none", new { position = 9 })).Status.ShouldBe(404);
        var trail = await service.QueryAsync(database => database.AuditEntries.Where(entry => entry.SubjectId == CodeId.Of($"{category}/depth")).ToListAsync(Cancelled));
        trail.Select(entry => entry.Values?.GetProperty("type").GetString()).ShouldBe(["number", "number"]);
    }

    internal static object[] Choices(params string[] keys) => [.. keys.Select(key => new { key, en = key.ToUpperInvariant(), ar = "خيار" })];

    /// <summary>Creates a category with questions.</summary>
    private Task<string> AskAsync(object[] questions) => AskAsync(service, questions);

    internal static async Task<string> AskAsync(ReportingService service, object[] questions)
    {
        using var admin = service.NewUser(Roles.Admin);
        var category = CategoryTests.NewCode();
        (await CategoryTests.SendAsync(admin, HttpMethod.Post, "", CategoryTests.Body(category))).Status.ShouldBe(201);
        foreach (var question in questions)
        {
            var (status, body) = await CategoryTests.SendAsync(admin, HttpMethod.Post, $"/{category}/questions", question);
            status.ShouldBe(201, body.ToString());
        }

        return category;
    }

    internal static async Task<(int Status, JsonElement Body)> FileAsync(HttpClient client, string category, object answers)
    {
        using var response = await client.PostReportAsync(new { title = "A hole", description = "", category, latitude = 1.0, longitude = 1.0, answers });
        return ((int)response.StatusCode, await response.JsonAsync());
    }

    private static async Task<(int Status, JsonElement Body)> PatchAsync(HttpClient client, Guid id, object body)
    {
        using var response = await client.PatchAsJsonAsync($"{Root}/{id}", body, Cancelled);
        return ((int)response.StatusCode, await response.JsonAsync());
    }

    private static async Task<string?[]> CodesAsync(HttpClient client, string category, string query) =>
        [.. (await client.ReadAsync($"{Root}/categories/{category}/questions{query}")).Body.GetProperty("items").EnumerateArray().Select(item => item.Code)];
}

internal static class Surfaces
{
    /// <returns>The body; empty for an error.</returns>
    public static async Task<string> GetStringOrEmptyAsync(this HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancelled);
        return response.IsSuccessStatusCode ? await response.Content.ReadAsStringAsync(Cancelled) : "";
    }
}
