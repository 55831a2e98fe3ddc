using System.Text.Json;

namespace Kashif.Cli.Demo;

internal sealed partial class DemoRun
{
    private const int BatchSize = 100;

    /// <summary>What happens to a citizen's reports of today, one after the other: statuses, or <c>reopen</c> by the citizen.</summary>
    private static readonly string[][] Fates =
    [
        ["verified", "in_progress", "resolved"], ["verified", "in_progress", "resolved"], ["verified"], [], ["verified", "in_progress", "resolved", "reopen"], ["rejected"],
        ["verified", "in_progress"], ["duplicate"], ["verified", "submitted", "verified"],
    ];

    private async Task ImportAsync()
    {
        await FindBeginningAsync();
        for (var first = 0; first < size.Reports; first += BatchSize)
        {
            var numbers = Enumerable.Range(first, Math.Min(BatchSize, size.Reports - first)).ToList();
            foreach (var (number, item) in numbers.Zip(await ImportAsync(numbers)))
            {
                var id = _reports[number] = item.GetProperty("report_id").GetGuid();
                if (_plan.Plan(number).Reporter is { } reporter)
                {
                    _reporters[id] = Citizens[reporter];
                }

                api.Count("reports of the past", TextOf(item, "outcome") == "created" ? 1 : 0);
            }
        }
    }

    /// <summary>The demo's year ends where its first run began, so that a later run plans the same reports.</summary>
    private async Task FindBeginningAsync()
    {
        var first = (await ImportAsync([0])).First();
        api.Count("reports of the past", TextOf(first, "outcome") == "created" ? 1 : 0);
        var report = await api.GetAsync($"reports/{first.GetProperty("report_id").GetGuid()}", admin);
        if (report.IsSuccess)
        {
            _plan = new DemoReports(seed, report.Body.GetProperty("created_at").GetDateTimeOffset().AddDays(DemoReports.Days));
        }
    }

    private async Task<IEnumerable<JsonElement>> ImportAsync(IEnumerable<int> numbers)
    {
        var answer = await api.SendAsync(HttpMethod.Post, "reports/imports", admin, new
        {
            reports = numbers.Select(_plan.Plan).Select(report => new
            {
                client_id = _plan.ClientId(report.Number),
                created_at = report.CreatedAt,
                title = report.Title,
                description = report.Description,
                category = report.Topic.Category,
                latitude = report.Latitude,
                longitude = report.Longitude,
                address = report.Address,
                user_id = report.Reporter is { } reporter ? Citizens[reporter].Id : (Guid?)null,
                anonymous = report.IsAnonymous,
                @private = report.IsPrivate,
                history = report.History.Select(step => new
                {
                    status = step.Status,
                    at = step.At,
                    comment = step.Comment,
                    changed_by = step.Status == "withdrawn" ? (Guid?)null : WithRoles[report.Topic.Agency * 2].Id,
                    duplicate_of = step.Original is { } original ? _plan.ClientId(original) : null,
                }),
            }),
        });
        DemoApi.Check(answer, "POST", "reports/imports");
        var invalid = answer.Items.FirstOrDefault(item => TextOf(item, "outcome") == "invalid");
        return invalid.ValueKind is JsonValueKind.Object ? throw new CliException($"A report was not imported: {invalid}") : answer.Items;
    }

    private Task AddCommunityAsync() => ForEachAsync(_reports.OrderByDescending(report => report.Key).ToList(), async pair =>
    {
        var (report, random) = (_plan.Plan(pair.Key), _plan.RandomOf(pair.Key, purpose: 1));
        var isRecent = report.CreatedAt > _plan.Plan(0).CreatedAt.AddDays(DemoReports.Days - 120);
        var isHidden = pair.Key % 60 == 7;
        if (!report.IsPublic || (!isRecent && !isHidden && random.Next(6) > 0))
        {
            return;
        }

        var others = Enumerable.Range(0, DemoSize.Of(pair.Key).Citizens).Where(index => index != report.Reporter).OrderBy(_ => random.Next()).Select(index => Citizens[index]).ToList();
        var photos = report.Reporter is not null && random.Next(4) == 0 ? 1 : 0;
        var comments = random.Next(3) == 0 && (report.IsOpen || report.Status == "resolved") ? random.Next(1, 3) : 0;
        var votes = report.IsOpen ? random.Next(0, 5) : 0;
        var follows = random.Next(5) == 0 ? 1 : 0;
        if (photos + comments + votes + follows == 0 && !isHidden)
        {
            return;
        }

        var now = await api.GetAsync($"reports/{pair.Value}", isHidden ? Moderator : null);
        if (now.Status == 404)
        {
            return; // deleted since, or hidden
        }

        DemoApi.Check(now, "GET", "reports");
        if (now.Body.GetProperty("hidden").GetBoolean())
        {
            return;
        }

        await AddPhotosAsync(report, pair.Value, photos, now);
        await AddCommentsAsync(report, pair.Value, comments, now, others, random);
        await AddVotesAsync(pair.Value, now.Body.GetProperty("votes").GetInt32() < votes ? others.Take(votes) : []);
        await AddFollowsAsync(pair.Value, others.TakeLast(follows));
        if (isHidden)
        {
            await api.AddAsync("hidden reports", HttpMethod.Patch, $"reports/{pair.Value}", Moderator, new { hidden = true, reason = "A photo shows a person." });
        }
    });

    private async Task AddPhotosAsync(PlannedReport report, Guid id, int count, Answer now)
    {
        if (count > now.Body.GetProperty("photos").GetInt32() && report.Reporter is { } reporter)
        {
            await api.AddAsync("photos", HttpMethod.Post, $"reports/{id}/photos", Citizens[reporter], DemoPicture.Draw(report.Topic.Category, _plan.RandomOf(report.Number, purpose: 3)), Key($"photo-{report.Number}"), ["forbidden"]);
        }
    }

    private async Task AddCommentsAsync(PlannedReport report, Guid id, int count, Answer now, List<Person> others, Random random)
    {
        var planned = Enumerable.Range(0, count).Select(index => (
            By: others[index], Text: DemoReports.In(DemoReports.Pick(random, report.Status == "resolved" ? DemoTexts.Thanks : DemoTexts.Comments), others[index].IsArabic))).ToList();
        if (count > 0 && random.Next(2) == 0 && report.IsOpen)
        {
            planned.Add((WorkerOf(report.Topic.Agency), DemoReports.In(DemoReports.Pick(random, DemoTexts.StaffComments), report.IsArabic)));
        }

        if (planned.Count <= now.Body.GetProperty("comments").GetInt32())
        {
            return;
        }

        var known = (await api.ListAsync($"reports/{id}/comments?") ?? []).Select(comment => TextOf(comment, "text")).ToHashSet();
        foreach (var (by, text) in planned.Where(comment => !known.Contains(comment.Text)).DistinctBy(comment => comment.Text))
        {
            await api.AddAsync(
                "comments", HttpMethod.Post, $"reports/{id}/comments", by, new { text }, Key($"comment-{report.Number}-{planned.FindIndex(comment => comment.Text == text)}"),
                ["comment_quota_exceeded"]);
        }
    }

    private async Task AddVotesAsync(Guid id, IEnumerable<Person> voters)
    {
        foreach (var voter in voters)
        {
            var vote = await api.GetAsync($"reports/{id}/votes", voter);
            if (vote.IsSuccess && !vote.Body.GetProperty("voted").GetBoolean())
            {
                await api.AddAsync("votes", HttpMethod.Post, $"reports/{id}/votes", voter, ignored: ["report_closed", "own_report"]);
            }
        }
    }

    private async Task AddFollowsAsync(Guid id, IEnumerable<Person> followers)
    {
        foreach (var follower in followers)
        {
            var follow = await api.GetAsync($"reports/{id}/follow", follower);
            if (follow.IsSuccess && !follow.Body.GetProperty("following").GetBoolean())
            {
                await api.AddAsync("followers", HttpMethod.Post, $"reports/{id}/follow", follower, ignored: ["own_report"]);
            }
        }
    }

    /// <summary>Each citizen files some reports now, which earn points, and staff work on them.</summary>
    private Task AddLiveReportsAsync() => ForEachAsync(Citizens.Index().ToList(), async citizen =>
    {
        var random = _plan.RandomOf(citizen.Index, purpose: 2);
        var texts = Enumerable.Range(0, 1 + (citizen.Index % 3)).Select(_ => _plan.Text(random, citizen.Item.IsArabic)).ToList();
        var answer = await api.SendAsync(HttpMethod.Post, "reports/batch", citizen.Item, new
        {
            reports = texts.Select((text, index) => new
            {
                client_id = Key($"live-{citizen.Index}-{index}"),
                captured_at = TimeProvider.System.GetUtcNow(),
                title = text.Title,
                description = text.Description,
                category = text.Topic.Category,
                latitude = text.Latitude,
                longitude = text.Longitude,
                address = text.Address,
            }),
        });
        DemoApi.Check(answer, "POST", "reports/batch");
        var reports = answer.Items.ToList();
        foreach (var (index, report) in reports.Index())
        {
            if (TextOf(report, "outcome") is not ("created" or "exists"))
            {
                await Console.Error.WriteLineAsync($"  skipped: a report of {citizen.Item.Email}: {report}");
                continue;
            }

            api.Count("reports of today", TextOf(report, "outcome") == "created" ? 1 : 0);
            var original = index > 0 && reports[0].TryGetProperty("report_id", out var first) ? first.GetGuid() : (Guid?)null;
            var id = report.GetProperty("report_id").GetGuid();
            _reporters[id] = citizen.Item;
            await WorkOnAsync(id, texts[index].Topic.Agency, Fates[(citizen.Index + (index * 2)) % Fates.Length], original, citizen.Item, random);
        }
    });

    private async Task WorkOnAsync(Guid id, int agency, string[] fate, Guid? original, Person reporter, Random random)
    {
        if (fate is [] || (fate is ["duplicate"] && original is null) || await api.ListAsync($"reports/{id}/history?") is not { } history)
        {
            return;
        }

        // What a run before has done already. The first entry is the creation.
        var done = history.Skip(1).Count(entry => TextOf(entry, "kind") is "status" or "taken_back" or "reopened");
        if (fate[^1] is "resolved")
        {
            _resolved.Add((id, reporter, IsNew: done < fate.Length));
        }

        foreach (var step in fate.Skip(done))
        {
            var comment = DemoReports.In(DemoReports.Pick(random, DemoTexts.StatusComments[step is "reopen" ? "reopened" : step is "submitted" ? "rejected" : step]), reporter.IsArabic);
            string[] ignored = ["invalid_status_transition", "report_changed", "invalid_request", "take_back_window_over", "reopen_window_over", "not_reopenable"];
            if (step is "reopen")
            {
                await api.AddAsync("status changes", HttpMethod.Post, $"reports/{id}/reopen", reporter, new { reason = comment }, ignored: ignored);
                continue;
            }

            // The field worker of the agency. The moderator merges, and does what is another agency's by the areas of this system.
            var worker = step is "duplicate" ? Moderator : WorkerOf(agency);
            var body = new { status = step, comment, duplicate_of = step is "duplicate" ? original : null };
            if (await api.AddAsync("status changes", HttpMethod.Patch, $"reports/{id}/status", worker, body, ignored: [.. ignored, "forbidden", "not_found"]) is { Status: 403 or 404 })
            {
                await api.AddAsync("status changes", HttpMethod.Patch, $"reports/{id}/status", Moderator, body, ignored: ignored);
            }
        }
    }
}
