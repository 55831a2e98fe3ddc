using System.Net;
using System.Text;
using Ical.Net;
using Kashif.Reporting.Calendars;
using Kashif.Reporting.Visits;
using Kashif.Reporting.WorkOrders;
using Kashif.Reporting.Workforce;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using NodaTime;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Calendar addresses, and what they return: RFC 5545.</summary>
public sealed class CalendarTests(ReportingService service)
{
    private static readonly DateTimeZone Berlin = DateTimeZoneProviders.Tzdb["Europe/Berlin"];

    [Fact]
    public async Task A_crews_calendar_follows_its_visits_without_names_until_it_is_revoked()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out var user);
        using var anonymous = service.Host.Anonymous();
        var report = (await reporter.FileAsync(title: "Lamp; broken, twice")).Id;
        var crew = await service.CrewAsync();
        var order = await staff.OrderAsync(crew, report);
        var visit = await staff.VisitAsync(order.Id, Work.Tomorrow, report: report);
        var created = await staff.CreatedAsync("calendars", new { crew_id = crew });
        var path = created.GetProperty("path").GetString() ?? "";

        var first = (await ReadAsync()).Events.ShouldHaveSingleItem();
        (first.Uid, first.Sequence, first.Status, first.Summary).ShouldBe(($"{visit.Id}@kashif", 0, EventStatus.Tentative, "Fill the potholes"));
        (first.Start?.AsUtc, first.Location).ShouldBe((Work.Tomorrow.UtcDateTime, "24.7, 46.7"));
        first.Description.ShouldBe("Lamp; broken, twice: 24.7, 46.7");

        (await staff.SendAsync(HttpMethod.Post, $"visits/{visit.Id}/move", new { starts_at = Work.Tomorrow.AddHours(5), ends_at = Work.Tomorrow.AddHours(6) })).Status.ShouldBe(200);
        (await staff.SendAsync(HttpMethod.Patch, $"visits/{visit.Id}", new { state = "cancelled" })).Status.ShouldBe(200);
        var second = (await ReadAsync()).Events.ShouldHaveSingleItem();
        (second.Uid, second.Sequence, second.Status, second.Start?.AsUtc).ShouldBe((first.Uid, 2, EventStatus.Cancelled, Work.Tomorrow.AddHours(5).UtcDateTime));

        var id = created.Id;
        var row = await service.QueryAsync(database => database.CalendarFeeds.SingleAsync(feed => feed.Id == id, Cancelled));
        Encoding.UTF8.GetString(row.Hash).ShouldNotContain(path.Split('/')[^1][..^4]);
        (await staff.AllPagesAsync($"{Root}/calendars?", 5)).ShouldHaveSingleItem().ToString().ShouldNotContain("ics");
        (await reporter.SendAsync(HttpMethod.Delete, $"calendars/{created.Id}")).Status.ShouldBe(404);
        (await staff.SendAsync(HttpMethod.Delete, $"calendars/{created.Id}")).Status.ShouldBe(204);
        foreach (var gone in (string[])[path, $"{Root}/calendars/{new string('x', 43)}.ics"])
        {
            (await anonymous.GetAsync(gone, Cancelled)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        }

        async Task<Ical.Net.Calendar> ReadAsync()
        {
            using var response = await anonymous.GetAsync(path, Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Headers.CacheControl?.ToString().ShouldBe("no-cache, private");
            response.Content.Headers.ContentType?.ToString().ShouldBe("text/calendar; charset=utf-8");
            var text = await response.Content.ReadAsStringAsync(Cancelled);
            text.ShouldNotContain(user.ToString());
            Check(text);
            return Ical.Net.Calendar.Load(text) ?? throw new InvalidOperationException();
        }
    }

    [Fact]
    public async Task A_citizen_gets_a_calendar_of_own_appointments_and_none_of_a_crew()
    {
        using var staff = service.NewUser(Roles.Staff);
        using var reporter = service.Citizen(out var user);
        using var anonymous = service.Host.Anonymous();
        var report = (await reporter.FileAsync(title: "The lamp")).Id;
        var crew = await service.CrewAsync();
        var order = await staff.OrderAsync(crew, report);
        await staff.VisitAsync(order.Id, Work.Tomorrow); // without an appointment
        var visit = await staff.VisitAsync(order.Id, Work.Tomorrow.AddHours(2), report: report);

        (await reporter.SendAsync(HttpMethod.Post, "calendars", new { crew_id = crew })).Body.BadFields.ShouldBe(["crew_id"]);
        var path = (await reporter.CreatedAsync("calendars", new { })).GetProperty("path").GetString();
        var text = await anonymous.GetStringAsync(path, Cancelled);

        var only = (Ical.Net.Calendar.Load(text) ?? throw new InvalidOperationException()).Events.ShouldHaveSingleItem();
        (only.Uid, only.Summary).ShouldBe(($"{visit.Id}@kashif", "The lamp"));
        text.ShouldNotContain("potholes", Case.Insensitive, "the crew's words");
        user.ShouldNotBe(Guid.Empty);
    }

    [Fact]
    public async Task An_employee_who_has_left_reads_no_crews_calendar()
    {
        var (agency, employee) = await service.AgencyWithEmployeeAsync();
        using var anonymous = service.Host.Anonymous();
        var path = (await employee.CreatedAsync("calendars", new { crew_id = await service.CrewAsync(agency) })).GetProperty("path").GetString();
        (await anonymous.GetAsync(path, Cancelled)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await service.QueryAsync(database => database.Employees.Where(row => row.AgencyId == agency).ExecuteUpdateAsync(set => set.SetProperty(row => row.Active, false), Cancelled));

        (await anonymous.GetAsync(path, Cancelled)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await employee.SendAsync(HttpMethod.Post, "calendars", new { crew_id = await service.CrewAsync(agency) })).Body.BadFields.ShouldBe(["crew_id"]);
    }

    [Fact]
    public async Task An_account_that_is_not_of_the_staff_any_more_reads_no_crews_calendar()
    {
        var user = await service.StaffAccountAsync();
        using var staff = service.Host.As(user, Roles.Staff); // in no register
        using var anonymous = service.Host.Anonymous();
        var path = (await staff.CreatedAsync("calendars", new { crew_id = await service.CrewAsync() })).GetProperty("path").GetString();
        (await anonymous.GetAsync(path, Cancelled)).StatusCode.ShouldBe(HttpStatusCode.OK);

        await service.QueryAsync(database => database.StaffAccounts.Where(row => row.UserId == user).ExecuteUpdateAsync(set => set.SetProperty(row => row.IsStaff, false), Cancelled));

        (await anonymous.GetAsync(path, Cancelled)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_calendar_of_a_crew_of_all_agencies_has_nothing_of_another_agencys_work()
    {
        var (agency, water) = await service.AgencyWithEmployeeAsync();
        var (_, roads) = await service.AgencyWithEmployeeAsync();
        using var anonymous = service.Host.Anonymous();
        var crew = await service.CrewAsync();
        var order = await water.CreatedAsync("work-orders", new { title = "Mend the main", crew_id = crew, reports = new[] { await service.FileForAsync(agency) } });
        await water.VisitAsync(order.Id, Work.Tomorrow);

        (await ReadAsync(roads)).ShouldNotContain("Mend the main");
        (await ReadAsync(water)).ShouldContain("Mend the main");

        // Those who go there need all visits.
        var (member, id) = await service.EmployAsync(await service.AgencyAsync());
        await service.QueryAsync(database =>
        {
            database.CrewMembers.Add(new CrewMember { CrewId = crew, UserId = id });
            return database.SaveChangesAsync(Cancelled);
        });
        (await ReadAsync(member)).ShouldContain("Mend the main");
        member.Dispose();

        async Task<string> ReadAsync(HttpClient staff) =>
            await anonymous.GetStringAsync((await staff.CreatedAsync("calendars", new { crew_id = crew })).GetProperty("path").GetString(), Cancelled);
    }

    [Fact]
    public async Task A_crews_calendar_has_no_private_report_that_another_agency_works_on_now()
    {
        var (agency, staff) = await service.AgencyWithEmployeeAsync();
        var other = await service.AgencyAsync();
        using var reporter = service.Citizen(out _);
        using var anonymous = service.Host.Anonymous();
        var crew = await service.CrewAsync(agency);
        Guid[] reports = [(await reporter.FileAsync(title: "Stays theirs")).Id, (await reporter.FileAsync(title: "Moved away")).Id, (await reporter.FileAsync(title: "Moved but public")).Id];
        await service.QueryAsync(database => database.Reports.Where(row => reports.Contains(row.Id))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.AgencyId, agency).SetProperty(row => row.RoutedByHand, true).SetProperty(row => row.Private, row => row.Id != reports[2]), Cancelled));
        var order = await staff.OrderAsync(crew, reports);
        await staff.VisitAsync(order.Id, Work.Tomorrow);
        var path = (await staff.CreatedAsync("calendars", new { crew_id = crew })).GetProperty("path").GetString();
        (await ReadAsync()).ShouldContain("Moved away");

        await service.QueryAsync(database => database.Reports.Where(row => row.Id == reports[1] || row.Id == reports[2])
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.AgencyId, other), Cancelled));

        var text = await ReadAsync();
        text.ShouldContain("Stays theirs");
        text.ShouldContain("Moved but public");
        text.ShouldNotContain("Moved away");

        async Task<string> ReadAsync() => (await anonymous.GetStringAsync(path, Cancelled)).Replace("\r\n ", "", StringComparison.Ordinal);
    }

    /// <summary>In Berlin, clocks go from 02:00 to 03:00 on 29 March 2026 and from 03:00 to 02:00 on 25 October 2026.</summary>
    [Theory]
    [InlineData("2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "20260329T013000", "20260329T033000")]
    [InlineData("2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "20261025T013000", "20261025T023000")]
    [InlineData("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "20261025T023000", "20261025T013000Z")] // the second 02:30, which has no local name
    [InlineData("2027-01-15T08:00:00Z", "2027-01-15T10:00:00Z", "20270115T090000", "20270115T110000")]
    [InlineData("2027-07-15T08:00:00Z", "2027-07-15T10:00:00Z", "20270715T100000", "20270715T120000")]
    public void A_slot_keeps_its_time_over_daylight_saving(string starts, string ends, string start, string end)
    {
        var visit = NewVisit(DateTimeOffset.Parse(starts, null), DateTimeOffset.Parse(ends, null));

        var text = CalendarDocument.Write("Crew", [new CalendarEntry(visit, "A", null, null)], Berlin, DateTimeOffset.Parse("2026-01-01T00:00:00Z", null));

        Check(text);
        text.ShouldContain("BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n");
        text.ShouldContain($"DTSTART;TZID=Europe/Berlin:{start}\r\n");
        text.ShouldContain(end.EndsWith('Z') ? $"DTEND:{end}\r\n" : $"DTEND;TZID=Europe/Berlin:{end}\r\n");
        var read = (Ical.Net.Calendar.Load(text) ?? throw new InvalidOperationException()).Events.ShouldHaveSingleItem();
        (read.Start?.AsUtc, read.End?.AsUtc).ShouldBe((visit.StartsAt.UtcDateTime, visit.EndsAt.UtcDateTime));
    }

    [Fact]
    public void A_city_in_UTC_has_no_time_zone_in_its_calendars()
    {
        var visit = NewVisit(Work.Tomorrow, Work.Tomorrow.AddHours(1));

        var text = CalendarDocument.Write("Crew", [new CalendarEntry(visit, "A", null, null)], DateTimeZoneProviders.Tzdb["UTC"], Work.Tomorrow);

        text.ShouldNotContain("VTIMEZONE");
        text.ShouldContain($"DTSTART:{Work.Tomorrow:yyyyMMdd'T'HHmmss'Z'}\r\n");
    }

    [Theory]
    [InlineData("Semicolon; comma, backslash \\ and\nnew line")]
    [InlineData("إصلاح الحفر في شارع طويل الاسم جداً بالقرب من الساحة العامة والحديقة الكبيرة قبل نهاية الأسبوع القادم إن شاء الله")]
    [InlineData("🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧🚧")]
    [InlineData("BEGIN:VEVENT\r\nEND:VCALENDAR\r\nX-EVIL:1")]
    [InlineData("Control \u0001 and \u001b and a tab\t and \u2028 separator")]
    public void Texts_are_escaped_and_folded(string text)
    {
        var visit = NewVisit(Work.Tomorrow, Work.Tomorrow.AddHours(1));

        var written = CalendarDocument.Write(text, [new CalendarEntry(visit, text, text, text)], DateTimeZone.Utc, Work.Tomorrow);

        Check(written);
        var expected = string.Concat(text.ReplaceLineEndings("\n").Where(character => !char.IsControl(character) || character is '\n' or '\t'));
        var read = (Ical.Net.Calendar.Load(written) ?? throw new InvalidOperationException()).Events.ShouldHaveSingleItem();
        (read.Summary, read.Location, read.Description).ShouldBe((expected, expected, expected));
        var escaped = expected.Replace(@"\", @"\\", StringComparison.Ordinal).Replace(";", @"\;", StringComparison.Ordinal).Replace(",", @"\,", StringComparison.Ordinal)
            .Replace("\n", @"\n", StringComparison.Ordinal);
        var lines = written.Replace("\r\n ", "", StringComparison.Ordinal).Split("\r\n");
        lines.ShouldContain($"SUMMARY:{escaped}");
        lines.ShouldContain($"X-WR-CALNAME:{escaped}");
    }

    private static Visit NewVisit(DateTimeOffset starts, DateTimeOffset ends) =>
        Visit.Create(new WorkOrder { Id = Guid.CreateVersion7(), Title = "Fill" }, null, Guid.CreateVersion7(), null, (starts, ends), confirmed: true, null, [], starts);

    /// <summary>What RFC 5545 demands of each line (section 3.1), and of a calendar that apps subscribe to.</summary>
    private static void Check(string text)
    {
        text.ShouldEndWith("END:VCALENDAR\r\n");
        text.Replace("\r\n", "", StringComparison.Ordinal).ShouldNotContain("\n");
        text.Replace("\r\n", "", StringComparison.Ordinal).ShouldNotContain("\r");
        var lines = text.Split("\r\n")[..^1];
        foreach (var line in lines)
        {
            Encoding.UTF8.GetByteCount(line).ShouldBeLessThanOrEqualTo(75, line);
            line.ShouldNotBeNullOrWhiteSpace();
            line.Where(character => char.IsControl(character) && character != '\t').ShouldBeEmpty();
            line.EnumerateRunes().ShouldNotContain(Rune.ReplacementChar, "half a character");
        }

        var unfolded = text.Replace("\r\n ", "", StringComparison.Ordinal).Replace("\r\n\t", "", StringComparison.Ordinal).Split("\r\n")[..^1];
        unfolded.ShouldAllBe(line => line.IndexOf(':', StringComparison.Ordinal) > 0 && (char.IsAsciiLetterUpper(line[0])));
        unfolded[0].ShouldBe("BEGIN:VCALENDAR");
        unfolded.ShouldContain("VERSION:2.0");
        unfolded.Count(line => line.StartsWith("PRODID:", StringComparison.Ordinal)).ShouldBe(1);
        unfolded.Count(line => line == "BEGIN:VCALENDAR").ShouldBe(1);
        foreach (var property in (string[])["UID:", "DTSTAMP:", "DTSTART", "DTEND", "SEQUENCE:", "STATUS:"])
        {
            var inEvents = unfolded.SkipWhile(line => line != "BEGIN:VEVENT").Count(line => line.StartsWith(property, StringComparison.Ordinal));
            inEvents.ShouldBe(unfolded.Count(line => line == "BEGIN:VEVENT"), property);
        }
    }
}
