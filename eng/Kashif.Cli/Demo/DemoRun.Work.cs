using System.Text.Json;

namespace Kashif.Cli.Demo;

internal sealed partial class DemoRun
{
    /// <summary>The most reports of an order that is done, and of one that is planned.</summary>
    private const int Finished = 2, Planned = 4;

    /// <summary>Each agency's manager plans work for its crew: an order that is done, and one with visits of the next days.</summary>
    private async Task AddWorkAsync()
    {
        if (_crews.Count == 0 || _vehicles.Count == 0 || await api.ListAsync($"{Register}/work-orders?", admin) is not { } orders)
        {
            return;
        }

        Guid? project = await api.ListAsync($"{Register}/projects?", admin) is { } projects
            ? await AddNamedAsync("projects", projects, "Winter repairs", new { name = "Winter repairs", description = "Roads before the rain.", state = "active", agency_id = _agencies[0] })
            : null;
        await ForEachAsync(_agencies.Index().ToList(), async agency =>
        {
            var work = await WorkOfAsync(agency.Index);
            var finish = Math.Min(Finished, work.Count / 3);
            var done = await AddOrderAsync(agency.Index, orders, "today", [.. work.Take(finish)], project: null);
            var next = await AddOrderAsync(agency.Index, orders, "this week", [.. work.Skip(finish).Take(Planned)], agency.Index == 0 ? project : null);
            if (done is { } finished)
            {
                var isNew = await FinishAsync(agency.Index, finished);
                foreach (var report in ReportsOf(finished).Where(_reporters.ContainsKey))
                {
                    _resolved.Add((report, _reporters[report], isNew));
                }
            }

            if (next is { } order)
            {
                await AddVisitsAsync(agency.Index, order);
                await AddNotesAsync(agency.Index, ReportsOf(order));
            }
        });
    }

    /// <summary>Has the demo's oldest reports first of which the agency works on, those with a reporter before the others.</summary>
    private async Task<List<Guid>> WorkOfAsync(int agency)
    {
        var own = _reports.Values.Concat(_reporters.Keys).ToHashSet();
        var work = await api.ListAsync($"{Register}/work?status=verified,in_progress", ManagerOf(agency)) ?? [];
        return [.. work.Select(item => IdOf(item.GetProperty("report"))).Reverse().Where(own.Contains).OrderBy(id => !_reporters.ContainsKey(id))];
    }

    /// <returns>Null if it has no reports, or they are in another order.</returns>
    private async Task<JsonElement?> AddOrderAsync(int agency, List<JsonElement> orders, string when, List<Guid> reports, Guid? project)
    {
        var title = $"{DemoCity.Crews[agency]}: {when}";
        if (orders.FirstOrDefault(order => TextOf(order, "title") == title) is { ValueKind: JsonValueKind.Object } known)
        {
            return known;
        }

        if (reports.Count == 0)
        {
            return null;
        }

        var order = await api.AddAsync(
            "work orders", HttpMethod.Post, $"{Register}/work-orders", ManagerOf(agency),
            new { title, description = "The oldest ones first.", project_id = project, agency_id = _agencies[agency], crew_id = _crews[agency], vehicle_id = _vehicles[agency], reports },
            Key($"order-{agency}-{when.Replace(' ', '-')}"), ["report_in_work_order"]);
        return order.IsSuccess ? order.Body : null;
    }

    /// <summary>The crew's visit of this hour ends the order, and resolves its reports.</summary>
    /// <returns>Whether it did so now.</returns>
    private async Task<bool> FinishAsync(int agency, JsonElement order)
    {
        if (TextOf(order, "state") is not ("draft" or "scheduled" or "in_progress"))
        {
            return false;
        }

        var visits = await api.ListAsync($"{Register}/visits?work_order={IdOf(order)}", ManagerOf(agency)) ?? [];
        var visit = visits is [var known, ..] ? known : await AddVisitAsync(agency, order, Today.AddHours(TimeProvider.System.GetUtcNow().Hour), report: null);
        return visit.ValueKind is JsonValueKind.Object && (await api.AddAsync(
                "finished visits", HttpMethod.Post, $"{Register}/visits/{IdOf(visit)}/complete", ManagerOf(agency), new { outcome = "resolved", comment = "The crew has finished." },
                ignored: ["visit_closed", "work_order_changed"])).IsSuccess;
    }

    /// <summary>Two appointments, of which the reporter confirms one, and a visit without a reporter.</summary>
    private async Task AddVisitsAsync(int agency, JsonElement order)
    {
        var visits = await api.ListAsync($"{Register}/visits?work_order={IdOf(order)}", ManagerOf(agency)) ?? [];
        if (visits.Count == 0)
        {
            var appointments = ReportsOf(order).Where(_reporters.ContainsKey).Take(2).ToList();
            for (var day = 1; day <= 3; day++)
            {
                var visit = await AddVisitAsync(agency, order, Today.AddDays(day).AddHours(6), day <= appointments.Count ? appointments[day - 1] : null);
                if (visit.ValueKind is JsonValueKind.Object)
                {
                    visits.Add(visit);
                }
            }
        }

        var first = visits.FirstOrDefault(visit => TextOf(visit, "report_id") is not null);
        if (first.ValueKind is JsonValueKind.Object && TextOf(first, "state") == "proposed" && _reporters.TryGetValue(first.GetProperty("report_id").GetGuid(), out var reporter))
        {
            await api.AddAsync(
                "confirmed visits", HttpMethod.Post, $"{Register}/visits/{IdOf(first)}/confirm", reporter, new { starts_at = TextOf(first, "starts_at"), ends_at = TextOf(first, "ends_at") },
                ignored: ["visit_begun", "visit_closed", "work_order_changed", "precondition_failed"], version: first.GetProperty("version").GetInt32());
        }
    }

    /// <param name="report">For an appointment with its reporter; null without one.</param>
    private async Task<JsonElement> AddVisitAsync(int agency, JsonElement order, DateTimeOffset starts, Guid? report) => (await api.AddAsync(
            "visits", HttpMethod.Post, $"{Register}/visits", ManagerOf(agency),
            new
            {
                work_order_id = IdOf(order),
                report_id = report,
                starts_at = starts,
                ends_at = starts.AddHours(2),
                note = report is null ? "Meet at the depot." : "Ring the bell.",
                alternatives = report is null ? null : new[] { new { starts_at = starts.AddDays(7), ends_at = starts.AddDays(7).AddHours(2) } },
            },
            Key(FormattableString.Invariant($"visit-{IdOf(order)}-{starts.ToUnixTimeSeconds()}")), ["crew_busy", "vehicle_busy", "work_order_closed", "work_order_changed"])) is { IsSuccess: true } added ? added.Body : default;

    /// <summary>The manager gives some reports to the field worker, with a word that becomes an internal note; the field worker writes back.</summary>
    private async Task AddNotesAsync(int agency, List<Guid> reports)
    {
        var worker = WorkerOf(agency);
        var assigned = (await api.ListAsync($"{Register}/work?assignee={worker.Id}", ManagerOf(agency)) ?? []).Select(item => IdOf(item.GetProperty("report"))).ToHashSet();
        foreach (var (index, id) in reports.Take(2).Index().Where(report => !assigned.Contains(report.Item)))
        {
            await api.AddAsync(
                "assigned reports", HttpMethod.Post, $"{Register}/{id}/assign", ManagerOf(agency), new { employee_id = worker.Id, comment = DemoTexts.Notes[agency][index] },
                Key($"assign-{id}"), ["report_closed", "forbidden", "not_found"]);
        }

        var reply = DemoTexts.Notes[agency][^1];
        if (reports is [var first, ..] && await api.GetAsync($"{Register}/{first}/notes?limit=100", worker) is { IsSuccess: true } notes && notes.Items.All(note => TextOf(note, "text") != reply))
        {
            await api.AddAsync("internal notes", HttpMethod.Post, $"{Register}/{first}/notes", worker, new { text = reply }, Key($"note-{first}"), ["forbidden", "not_found"]);
        }
    }

    private static DateTimeOffset Today => new(TimeProvider.System.GetUtcNow().UtcDateTime.Date, TimeSpan.Zero);

    private Person ManagerOf(int agency) => WithRoles[agency * 2];

    private static List<Guid> ReportsOf(JsonElement order) => [.. order.GetProperty("reports").EnumerateArray().Select(report => report.GetGuid())];
}
