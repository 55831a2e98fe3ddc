using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Reporting.Surveys;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>A host of its own: it asks at once, and one survey is open at a time.</summary>
public sealed class SurveyService(ReportingService reporting) : IAsyncLifetime
{
    private static readonly Dictionary<string, string?> Settings = new() { ["Surveys:AskAfter"] = "00:00:00", ["Surveys:Interval"] = "00:00:00.02" };
    private ServiceHost<Program>? _host;

    public ServiceHost<Program> Host => _host ?? throw new InvalidOperationException("Not started.");
    public EventTap Tap => reporting.Tap;

    public async ValueTask InitializeAsync() => _host = await ReplicaAsync(database: null);

    public Task<ServiceHost<Program>> ReplicaAsync(string? database) => reporting.StartAnotherAsync(0, database, settings: Settings);

    public ValueTask DisposeAsync() => _host?.DisposeAsync() ?? default;
}

/// <summary>Whether reports are really fixed: surveys, answers and results.</summary>
public sealed class SurveyTests(SurveyService service, ReportingService reporting) : IClassFixture<SurveyService>
{
    private const string Surveys = $"{Root}/surveys";

    private static readonly object[] Questions =
    [
        new { code = "fixed", kind = "yes_no", en = "Was it fixed?", ar = "هل أُصلحت المشكلة؟", required = true },
        new { code = "stars", kind = "rating", en = "How well?", ar = "كيف؟" },
        new { code = "why", kind = "choice", en = "Why?", ar = "لماذا؟", choices = new[] { new { code = "late", en = "Too late", ar = "متأخر" }, new { code = "dirty", en = "Dirty", ar = "متسخ" } } },
        new { code = "more", kind = "text", en = "More?", ar = "المزيد؟" },
    ];

    [Fact]
    public async Task Reporters_of_resolved_reports_are_asked_once()
    {
        await CloseAllAsync();
        await OpenSurveyAsync();
        using var reporter = service.Host.As(Guid.CreateVersion7());
        var (fixedReport, open, rejected) = (await reporter.FileAsync(), await reporter.FileAsync(), await reporter.FileAsync());
        await StepAsync(rejected.Id, "rejected");
        await ResolveAsync(fixedReport.Id);

        var asked = (await service.Tap.WaitForAsync(SurveyRequested.Type, data => data.GetProperty("report_id").GetGuid() == fixedReport.Id)).GetProperty("data");
        asked.GetProperty("title").GetString().ShouldBe("A deep hole");
        var (status, survey) = await reporter.ReadAsync($"{Root}/{fixedReport.Id}/survey");
        status.ShouldBe(200);
        survey.GetProperty("questions").EnumerateArray().Select(question => question.GetProperty("kind").GetString()).ShouldBe(["yes_no", "rating", "choice", "text"]);
        (survey.GetProperty("answer_until").GetDateTimeOffset() - survey.GetProperty("asked_at").GetDateTimeOffset()).ShouldBe(TimeSpan.FromDays(30));
        survey.GetProperty("answered_at").ValueKind.ShouldBe(JsonValueKind.Null);

        // Reopened and resolved again, it is not asked about again; a later report is.
        using var reopened = await reporter.PostAsJsonAsync($"{Root}/{fixedReport.Id}/reopen", new { reason = "Still there." }, Cancelled);
        ((int)reopened.StatusCode).ShouldBe(200);
        await StepAsync(fixedReport.Id, "resolved");
        await ResolveAsync(open.Id);
        await AskedAsync(open.Id);
        service.Tap.Envelopes(SurveyRequested.Type).Count(envelope => envelope.GetProperty("data").GetProperty("report_id").GetGuid() == fixedReport.Id).ShouldBe(1);
        (await reporter.ReadAsync($"{Root}/{rejected.Id}/survey")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Reports_that_were_reopened_or_whose_reporter_left_are_not_asked_about()
    {
        await CloseAllAsync();
        using var reporter = service.Host.As(Guid.CreateVersion7());
        var (reopened, erased, last) = (await reporter.FileAsync(), await reporter.FileAsync(), await reporter.FileAsync());
        foreach (var report in new[] { reopened, erased, last })
        {
            await ResolveAsync(report.Id);
        }

        using var again = await reporter.PostAsJsonAsync($"{Root}/{reopened.Id}/reopen", new { reason = "Still there." }, Cancelled);
        await ExecuteAsync("UPDATE reports SET user_id = $2 WHERE id = $1", erased.Id, ErasedUser.Id);

        // A survey does not ask about what was resolved before it; here it is as if it had been created in time.
        var survey = await OpenSurveyAsync();
        await ExecuteAsync("UPDATE surveys SET created_at = now() - interval '1 hour' WHERE id = $1", survey);

        await AskedAsync(last.Id);
        (await CountAsync("SELECT count(*) FROM survey_requests WHERE report_id = ANY ($1)", new[] { reopened.Id, erased.Id })).ShouldBe(0);
    }

    [Fact]
    public async Task Replicas_ask_about_each_report_once()
    {
        await CloseAllAsync();
        var user = Guid.CreateVersion7();
        var reports = await reporting.SeedAsync([.. Enumerable.Repeat((1.0, 1.0), 600)], status: "resolved", userId: user, database: service.Host.Database);
        await using var replica = await service.ReplicaAsync(service.Host.Database);
        await OpenSurveyAsync();
        await ExecuteAsync("""
            INSERT INTO status_changes (report_id, version, kind, "from", "to", is_public, changed_by, at)
            SELECT id, 2, 'status', 'in_progress', 'resolved', true, $2, now() FROM unnest($1) AS id
            """, reports, Guid.CreateVersion7());

        await Eventually.TrueAsync(() => Asked().Count >= reports.Length, "the events");
        await ResolvedAsync(user); // a pass after this one would ask again
        await Eventually.TrueAsync(() => Asked().Count > reports.Length, "the event of the last report");
        Asked().Distinct().Count().ShouldBe(Asked().Count);
        Asked().Count.ShouldBe(reports.Length + 1);

        List<Guid> Asked() =>
        [
            .. service.Tap.Envelopes(SurveyRequested.Type).Select(envelope => envelope.GetProperty("data")).Where(data => data.GetProperty("user_id").GetGuid() == user)
                .Select(data => data.GetProperty("report_id").GetGuid()),
        ];
    }

    [Fact]
    public async Task Sixty_four_answers_at_once_count_once()
    {
        await CloseAllAsync();
        await OpenSurveyAsync();
        var user = Guid.CreateVersion7();
        using var reporter = service.Host.As(user);
        var report = await ResolvedAsync(user);
        await AskedAsync(report);

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(number => AnswerAsync(reporter, report, [new { question = "fixed", yes_no = number % 2 == 0 }])));

        answers.Count(answer => answer.Status == 200).ShouldBe(1);
        answers.Where(answer => answer.Status != 200).Select(answer => (answer.Status, answer.Body.Code)).Distinct().ShouldBe([(409, "already_answered")]);
        var kept = answers.Single(answer => answer.Status == 200).Body.GetProperty("answers").ToString();
        (await reporter.ReadAsync($"{Root}/{report}/survey")).Body.GetProperty("answers").ToString().ShouldBe(kept);
        var data = (await service.Tap.WaitForAsync(SurveyAnswered.Type, data => data.GetProperty("report_id").GetGuid() == report)).GetProperty("data");
        data.GetProperty("user_id").GetGuid().ShouldBe(user);
        await Eventually.TrueAsync(async () => await CountAsync("SELECT count(*) FROM outbox WHERE subject = $1", report.ToString()) == 0, "an empty outbox");
        service.Tap.Envelopes(SurveyAnswered.Type).Count(envelope => envelope.GetProperty("data").GetProperty("report_id").GetGuid() == report).ShouldBe(1);
    }

    [Fact]
    public async Task Answers_must_fit_the_questions()
    {
        await CloseAllAsync();
        await OpenSurveyAsync();
        var user = Guid.CreateVersion7();
        using var reporter = service.Host.As(user);
        var report = await ResolvedAsync(user);
        await AskedAsync(report);
        object yes = new { question = "fixed", yes_no = true };

        foreach (var (answers, field) in new (object[] Answers, string Field)[]
        {
            ([], "answers"),
            ([new { question = "stars", rating = 3 }], "answers"), // a required one is missing
            ([yes, yes], "answers"),
            ([yes, new { question = "other", yes_no = true }], "answers[1]"),
            ([new { question = "fixed", rating = 3 }], "answers[0]"),
            ([new { question = "fixed" }], "answers[0]"),
            ([new { question = "fixed", yes_no = true, rating = 3 }], "answers[0]"),
            ([yes, new { question = "stars", rating = 6 }], "answers[1].rating"),
            ([yes, new { question = "why", choice = "other" }], "answers[1]"),
            ([yes, new { question = "more", text = " " }], "answers[1].text"),
        })
        {
            var (status, problem) = await AnswerAsync(reporter, report, answers);
            status.ShouldBe(400, JsonSerializer.Serialize(answers));
            problem.BadFields.ShouldBe([field], JsonSerializer.Serialize(answers));
        }

        var (accepted, body) = await AnswerAsync(reporter, report, [yes, new { question = "why", choice = "late" }, new { question = "more", text = " شكرًا " }]);
        accepted.ShouldBe(200, body.ToString());
        body.GetProperty("answers").EnumerateArray().Last().GetProperty("text").GetString().ShouldBe("شكرًا");
        body.GetProperty("reopen").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task Only_the_reporter_answers_and_in_time()
    {
        await CloseAllAsync();
        await OpenSurveyAsync();
        var user = Guid.CreateVersion7();
        using var reporter = service.Host.As(user);
        var report = await ResolvedAsync(user);
        await AskedAsync(report);
        object[] no = [new { question = "fixed", yes_no = false }];

        foreach (var role in new[] { Roles.Citizen, Roles.Staff, Roles.Admin })
        {
            using var other = service.Host.As(Guid.CreateVersion7(), role);
            (await AnswerAsync(other, report, no)).Status.ShouldBe(404);
            (await other.ReadAsync($"{Root}/{report}/survey")).Status.ShouldBe(404);
        }

        await ExecuteAsync("UPDATE survey_requests SET answer_until = now() WHERE report_id = $1", report);
        (await AnswerAsync(reporter, report, no)).Body.Code.ShouldBe("survey_over");
        await ExecuteAsync("UPDATE survey_requests SET answer_until = now() + interval '1 hour' WHERE report_id = $1", report);
        await CloseAllAsync(); // who was asked can still answer

        // Not fixed: the answer says where to reopen the report.
        var (status, body) = await AnswerAsync(reporter, report, no);
        status.ShouldBe(200, body.ToString());
        using var reopened = await reporter.PostAsJsonAsync(body.GetProperty("reopen").GetString(), new { reason = "Still there." }, Cancelled);
        (await reopened.JsonAsync()).GetProperty("status").GetString().ShouldBe("in_progress");
        (await reporter.ReadAsync($"{Root}/{report}/survey")).Body.GetProperty("reopen").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task One_survey_is_open_and_its_questions_stay_once_it_asks()
    {
        await CloseAllAsync();
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var staff = service.Host.As(Guid.CreateVersion7(), Roles.Staff);
        var marker = $"{Guid.CreateVersion7():N}";
        object body = new { title_en = $"Fixed {marker}?", title_ar = "أُصلحت؟", questions = Questions };

        var created = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => admin.PostAsJsonAsync(Surveys, body, Cancelled)));

        created.Count(answer => (int)answer.StatusCode == 201).ShouldBe(1);
        foreach (var refused in created.Where(answer => (int)answer.StatusCode != 201))
        {
            (await refused.JsonAsync()).Code.ShouldBe("survey_open");
        }

        var survey = await created.Single(answer => (int)answer.StatusCode == 201).JsonAsync();
        ((int)(await staff.PostAsJsonAsync(Surveys, body, Cancelled)).StatusCode).ShouldBe(403);
        (await staff.ReadAsync($"{Surveys}?q={marker}&open=true")).Body.GetProperty("items").EnumerateArray().Select(item => item.Id).ShouldBe([survey.Id]);
        (await staff.ReadAsync($"{Surveys}?q={marker}&open=false")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);

        using var invalid = await admin.PostAsJsonAsync(
            Surveys, new { title_en = "", title_ar = "ا", questions = new object[] { new { code = "a", kind = "choice", en = "A", ar = "ا", choices = new[] { new { code = "x", en = "X", ar = "س" } } } } }, Cancelled);
        (await invalid.JsonAsync()).BadFields.ShouldBe(["questions", "title_en"]);

        (await ChangeAsync(admin, survey.Id, new { questions = Questions[..1] }, "\"2\"")).Body.Code.ShouldBe("precondition_failed");
        (await ChangeAsync(admin, survey.Id, new { questions = Questions[..1] }, "\"1\"")).Body.GetProperty("questions").GetArrayLength().ShouldBe(1);
        await AskedAsync(await ResolvedAsync(Guid.CreateVersion7()));
        (await ChangeAsync(admin, survey.Id, new { questions = Questions })).Body.Code.ShouldBe("survey_in_use");
        (await ChangeAsync(admin, survey.Id, new { title_en = "Really?" })).Body.GetProperty("version").GetInt32().ShouldBe(3);

        using var closed = await admin.PostAsync($"{Surveys}/{survey.Id}/close", null, Cancelled);
        using var again = await admin.PostAsync($"{Surveys}/{survey.Id}/close", null, Cancelled);
        var end = await closed.JsonAsync();
        end.GetProperty("is_open").GetBoolean().ShouldBeFalse();
        (await again.JsonAsync()).ToString().ShouldBe(end.ToString());
        (await CountAsync("SELECT count(*) FROM audit_entries WHERE subject_id = $1", survey.Id)).ShouldBe(4);
        (await CountAsync("""SELECT count(*) FROM audit_entries WHERE subject_id = $1 AND values @? '$.** ? (@.kind == "yes_no")'""", survey.Id)).ShouldBe(2);
    }

    [Fact]
    public async Task Results_count_answers_and_do_not_break_down_few()
    {
        await CloseAllAsync();
        var survey = await OpenSurveyAsync();
        await CloseAllAsync();
        var agency = Guid.CreateVersion7();
        await ExecuteAsync("INSERT INTO agencies (id, name_en, name_ar, created_at, version) VALUES ($1, $2, $2, now(), 1)", agency, $"Agency {agency}");
        var (holes, lamps, noise) = ($"h{agency:N}"[..20], $"l{agency:N}"[..20], $"n{agency:N}"[..20]);
        await SeedAnswersAsync(survey, holes, agency, [5, 5, 4, 3, 3, 2, null, null]);
        await SeedAnswersAsync(survey, lamps, agency: null, [1, 1, 1, 1, 1]);
        await SeedAnswersAsync(survey, noise, agency: null, [1, 1, null]);
        using var staff = service.Host.As(Guid.CreateVersion7(), Roles.Staff);

        var (status, all) = await staff.ReadAsync($"{Surveys}/{survey}/results?group_by=category");

        status.ShouldBe(200, all.ToString());
        (all.GetProperty("asked").GetInt32(), all.GetProperty("answered").GetInt32(), all.GetProperty("response_rate").GetDouble()).ShouldBe((16, 13, 0.81));
        var questions = all.GetProperty("questions");
        questions[0].GetProperty("counts").EnumerateArray().Select(count => (count.GetProperty("value").GetString(), count.GetProperty("count").GetInt32())).ShouldBe([("yes", 5), ("no", 8)]);
        (questions[1].GetProperty("answers").GetInt32(), questions[1].GetProperty("average").GetDouble()).ShouldBe((13, 2.23));
        questions[1].GetProperty("counts").EnumerateArray().Select(count => count.GetProperty("count").GetInt32()).ShouldBe([7, 1, 2, 1, 2]);
        (questions[3].GetProperty("answers").GetInt32(), questions[3].GetProperty("counts").ValueKind).ShouldBe((13, JsonValueKind.Null));

        // The two answers of noise would follow from the sum: lamps are not told apart either.
        all.GetProperty("groups").EnumerateArray().Select(group => group.GetProperty("key").GetString()).ShouldBe([holes]);
        var small = all.GetProperty("small_groups");
        (small.GetProperty("groups").GetInt32(), small.GetProperty("asked").GetInt32(), small.GetProperty("answered").GetInt32()).ShouldBe((2, 8, 7));
        all.GetProperty("groups")[0].GetProperty("questions")[1].GetProperty("average").GetDouble().ShouldBe(3.67);

        // An agency's employee sees the reports of the agency.
        var employee = Guid.CreateVersion7();
        await ExecuteAsync(
            "INSERT INTO employees (user_id, agency_id, name, job, skills, active, created_at, version) VALUES ($1, $2, 'A', 'dispatcher', '{}', true, now(), 1)", employee, agency);
        using var worker = service.Host.As(employee, Roles.Staff);
        var (_, own) = await worker.ReadAsync($"{Surveys}/{survey}/results?group_by=agency");
        (own.GetProperty("asked").GetInt32(), own.GetProperty("answered").GetInt32()).ShouldBe((8, 6));
        own.GetProperty("groups")[0].GetProperty("key").GetGuid().ShouldBe(agency);
        (await worker.AllPagesAsync($"{Surveys}/{survey}/texts?question=more", 2)).Count.ShouldBe(6);
        (await staff.AllPagesAsync($"{Surveys}/{survey}/texts?question=more", 4)).Select(text => text.GetProperty("report_id").GetGuid()).Distinct().Count().ShouldBe(13);

        // Fewer than five answers: only how many.
        await ExecuteAsync("UPDATE survey_requests SET answered_at = NULL, answers = NULL FROM reports WHERE reports.id = report_id AND survey_id = $1 AND category <> $2", survey, noise);
        var (_, few) = await staff.ReadAsync($"{Surveys}/{survey}/results?group_by=area");
        (few.GetProperty("answered").GetInt32(), few.GetProperty("questions").GetArrayLength(), few.GetProperty("groups").GetArrayLength()).ShouldBe((2, 0, 0));
        (await staff.AllPagesAsync($"{Surveys}/{survey}/texts?question=more", 4)).ShouldBeEmpty();
        (await staff.ReadAsync($"{Surveys}/{survey}/results?group_by=reporter")).Body.BadFields.ShouldBe(["group_by"]);
        using var citizen = service.Host.As(Guid.CreateVersion7());
        (await citizen.ReadAsync($"{Surveys}/{survey}/results")).Status.ShouldBe(403);
    }

    [Fact]
    public async Task Of_an_erased_reporter_the_counts_stay_without_texts()
    {
        await CloseAllAsync();
        var survey = await OpenSurveyAsync();
        await CloseAllAsync();
        var user = Guid.CreateVersion7();
        await SeedAnswersAsync(survey, "pothole", agency: null, [3, null], user);
        using var gateway = service.Host.AsService(ServiceScopes.ExportUsers);
        var (_, export) = await gateway.ReadAsync($"/internal/v1/users/{user}/export");
        export.GetProperty("surveys").EnumerateArray().Count(asked => asked.GetProperty("answers").ValueKind == JsonValueKind.Array).ShouldBe(1);

        // The hosts of this assembly share the queue of events: another one may take it. So the step of the erasure is called.
        await using var scope = service.Host.Services.CreateAsyncScope();
        await AnswerSurvey.EraseAsync(scope.ServiceProvider.GetRequiredService<Data.ReportingDbContext>(), user, Cancelled);
        (await CountAsync("SELECT count(*) FROM survey_requests WHERE user_id = $1", user)).ShouldBe(0);
        (await CountAsync("SELECT count(*) FROM survey_requests WHERE survey_id = $1 AND answers @> '[{\"rating\": 3}]' AND answers::text NOT LIKE '%text%'", survey)).ShouldBe(1);
        (await CountAsync("SELECT count(*) FROM survey_requests WHERE survey_id = $1 AND answers IS NULL", survey)).ShouldBe(1);
    }

    [Theory]
    [InlineData(new int[0], 0)]
    [InlineData(new[] { 4, 4 }, 0)]
    [InlineData(new[] { 9, 5, 0 }, 2)]
    [InlineData(new[] { 9, 5, 1 }, 1)]
    [InlineData(new[] { 9, 5, 3, 2 }, 2)]
    [InlineData(new[] { 6, 1 }, 0)]
    public void Small_groups_do_not_follow_from_the_others(int[] answered, int shown) =>
        SurveyResults.Split(answered.Select((count, index) => new SurveyResults.People($"{index}", 10, count))).Shown.Count.ShouldBe(shown);

    [Fact]
    public async Task A_question_that_few_of_a_group_answered_is_not_told_apart()
    {
        await CloseAllAsync();
        var survey = await OpenSurveyAsync();
        await CloseAllAsync();
        var (few, many) = ($"f{survey:N}"[..20], $"m{survey:N}"[..20]);
        await SeedAnswersAsync(survey, few, agency: null, [5, 4, 3, 2, 1, 1]);
        await SeedAnswersAsync(survey, many, agency: null, [5, 4, 3, 2, 1, 1, 1]);
        await ExecuteAsync(
            """
            UPDATE survey_requests SET answers = answers - 1 WHERE report_id IN (
                SELECT report_id FROM survey_requests JOIN reports ON reports.id = report_id WHERE survey_id = $1 AND category = $2 LIMIT 4)
            """, survey, few); // without the stars
        using var staff = service.Host.As(Guid.CreateVersion7(), Roles.Staff);

        var (_, results) = await staff.ReadAsync($"{Surveys}/{survey}/results?group_by=category");

        var groups = results.GetProperty("groups").EnumerateArray().Select(group => group.GetProperty("questions")).ToArray();
        groups.Length.ShouldBe(2);
        groups.ShouldAllBe(questions => questions[0].GetProperty("counts").ValueKind == JsonValueKind.Array);
        groups.ShouldAllBe(questions => questions[1].GetProperty("counts").ValueKind == JsonValueKind.Null);
        results.GetProperty("questions")[1].GetProperty("answers").GetInt32().ShouldBe(9);
    }

    [Fact]
    public async Task Five_answers_of_one_person_are_not_broken_down()
    {
        await CloseAllAsync();
        var survey = await OpenSurveyAsync();
        await CloseAllAsync();
        await SeedAnswersAsync(survey, $"o{survey:N}"[..20], agency: null, [5, 4, 3, 2, 1], user: Guid.CreateVersion7());
        using var staff = service.Host.As(Guid.CreateVersion7(), Roles.Staff);

        var (_, results) = await staff.ReadAsync($"{Surveys}/{survey}/results");

        (results.GetProperty("answered").GetInt32(), results.GetProperty("questions").GetArrayLength()).ShouldBe((5, 0));
        (await staff.AllPagesAsync($"{Surveys}/{survey}/texts?question=more", 4)).ShouldBeEmpty();
    }

    private Task CloseAllAsync() => ExecuteAsync("UPDATE surveys SET is_open = false, closed_at = now() WHERE is_open");

    private async Task<Guid> OpenSurveyAsync()
    {
        using var admin = service.Host.As(Guid.CreateVersion7(), Roles.Admin);
        using var created = await admin.PostAsJsonAsync(Surveys, new { title_en = "Was it fixed?", title_ar = "هل أُصلحت؟", questions = Questions }, Cancelled);
        ((int)created.StatusCode).ShouldBe(201, await created.Content.ReadAsStringAsync(Cancelled));
        return (await created.JsonAsync()).Id;
    }

    private async Task<Guid> ResolvedAsync(Guid user)
    {
        using var reporter = service.Host.As(user);
        var report = (await reporter.FileAsync()).Id;
        await ResolveAsync(report);
        return report;
    }

    private async Task ResolveAsync(Guid report)
    {
        await StepAsync(report, "in_progress");
        await StepAsync(report, "resolved");
    }

    private async Task StepAsync(Guid report, string status)
    {
        using var staff = service.Host.As(Guid.CreateVersion7(), Roles.Staff);
        var (answer, body) = await staff.ChangeStatusAsync(report, new { status, comment = "Done." });
        answer.ShouldBe(200, body.ToString());
    }

    private Task AskedAsync(Guid report) =>
        Eventually.TrueAsync(async () => await CountAsync("SELECT count(*) FROM survey_requests WHERE report_id = $1", report) == 1, "the question to the reporter");

    /// <summary>Reports of which the reporter was asked, with one rating each; null for no answer. From 3 on it was fixed.</summary>
    private async Task SeedAnswersAsync(Guid survey, string category, Guid? agency, int?[] ratings, Guid? user = null)
    {
        var reports = await reporting.SeedAsync([.. ratings.Select(_ => (1.0, 1.0))], category, "resolved", user, service.Host.Database);
        await ExecuteAsync("UPDATE reports SET agency_id = $2, routed_by_hand = true WHERE id = ANY ($1)", reports, (object?)agency ?? DBNull.Value);
        foreach (var (report, rating) in reports.Zip(ratings))
        {
            var answers = rating is { } given
                ? JsonSerializer.Serialize(new object[] { new { question = "fixed", yes_no = given > 2 }, new { question = "stars", rating = given }, new { question = "more", text = $"Text {report}" } })
                : null;
            await ExecuteAsync(
                """
                INSERT INTO survey_requests (report_id, survey_id, user_id, asked_at, answer_until, answers, answered_at)
                SELECT id, $2, $4, now(), now() + interval '1 day', $3::jsonb, CASE WHEN $3 IS NOT NULL THEN now() END FROM reports WHERE id = $1
                """, report, survey, (object?)answers ?? DBNull.Value, user ?? Guid.CreateVersion7());
        }
    }

    private static async Task<(int Status, JsonElement Body)> AnswerAsync(HttpClient client, Guid report, object[] answers)
    {
        using var response = await client.PostAsJsonAsync($"{Root}/{report}/survey", new { answers }, Cancelled);
        return ((int)response.StatusCode, await response.JsonAsync());
    }

    private static async Task<(int Status, JsonElement Body)> ChangeAsync(HttpClient admin, Guid survey, object body, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, $"{Surveys}/{survey}") { Content = JsonContent.Create(body) };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        using var response = await admin.SendAsync(request, Cancelled);
        return ((int)response.StatusCode, await response.JsonAsync());
    }

    private async Task<long> CountAsync(string sql, object value)
    {
        await using var database = NpgsqlDataSource.Create(service.Host.Database);
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(value);
        return (long?)await command.ExecuteScalarAsync(Cancelled) ?? 0;
    }

    private async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var database = NpgsqlDataSource.Create(service.Host.Database);
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync(Cancelled);
    }
}
