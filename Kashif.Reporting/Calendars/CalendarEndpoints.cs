using System.Security.Claims;
using System.Text;
using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Visits;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;

namespace Kashif.Reporting.Calendars;

/// <summary>A new calendar address.</summary>
/// <param name="CrewId" example="null">For staff: the crew whose visits it has. Null: the appointments of the caller's own reports.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateCalendarRequest(Guid? CrewId = null);

/// <summary>A calendar address, without its secret.</summary>
/// <param name="Id">The calendar's id.</param>
/// <param name="CrewId" example="null">The crew whose visits it has; null for the caller's own appointments.</param>
/// <param name="CreatedAt">When it was created.</param>
internal sealed record CalendarResponse(Guid Id, Guid? CrewId, DateTimeOffset CreatedAt);

/// <summary>A new calendar address.</summary>
/// <param name="Id">The calendar's id.</param>
/// <param name="CrewId" example="null">The crew whose visits it has; null for the caller's own appointments.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Path" example="/api/v1/reports/calendars/EXAMPLEexampleEXAMPLEexampleEXAMPLEexample0.ics">The address for a calendar app, on this host. It is shown only here: everyone who has it can read the calendar.</param>
internal sealed record CreatedCalendarResponse(Guid Id, Guid? CrewId, DateTimeOffset CreatedAt, string Path);

internal static class CalendarEndpoints
{
    private const string Path = "/api/v1/reports/calendars";

    /// <summary>What a calendar has, at most.</summary>
    private const int MaxVisits = 1000;

    /// <summary>How long visits stay in a calendar after they end.</summary>
    private static readonly TimeSpan Past = TimeSpan.FromDays(90);

    private static Error NotFound { get; } = Error.NotFound("Calendar not found.");

    private static Error TooMany { get; } = Error.Rule("too_many_calendars", "You have 20 calendar addresses already. Delete one first.");

    public static void MapCalendars(this IEndpointRouteBuilder endpoints)
    {
        var calendars = endpoints.MapGroup(Path).WithTags("Calendars").RequireAuthorization();
        calendars.MapGet("/", ListAsync).WithName("ListCalendars").WithSummary("List my calendar addresses, newest first");

        // No Idempotency-Key: the stored answer would contain the secret.
        calendars.MapPost("/", CreateAsync).WithName("CreateCalendar").WithSummary("Create a secret calendar address")
            .WithProblems(422, "too_many_calendars");
        calendars.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteCalendar").WithSummary("Revoke a calendar address").WithProblems(404, "not_found");
        calendars.MapGet("/{secret}.ics", ReadAsync).AllowAnonymous().WithName("ReadCalendar").WithSummary("Read a calendar of visits, as iCalendar")
            .Produces(StatusCodes.Status200OK, contentType: "text/calendar").WithProblems(404, "not_found");
    }

    private static async Task<Results<Ok<Page<CalendarResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var user = http.User.UserId;
        var rows = await database.CalendarFeeds.AsNoTracking().Where(feed => feed.UserId == user && (page.Cursor == null || feed.Id < before))
            .OrderByDescending(feed => feed.Id).Take(page.Size + 1)
            .Select(feed => new CalendarResponse(feed.Id, feed.CrewId, feed.CreatedAt)).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.Id)));
    }

    private static async Task<Results<Created<CreatedCalendarResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateCalendarRequest request, HttpContext http, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        if (request.CrewId is { } crew && (!http.User.IsStaff || !await MaySeeAsync(crew, http.User, database, cancellationToken)))
        {
            return Error.Field("crew_id", "Crew not found.");
        }

        if (await database.CalendarFeeds.CountAsync(feed => feed.UserId == user, cancellationToken) >= CalendarFeed.MaxPerUser)
        {
            return TooMany.ToProblem();
        }

        var (now, secret) = (time.GetUtcNow(), CalendarFeed.NewSecret());
        var created = new CalendarFeed { Id = Guid.CreateVersion7(now), UserId = user, CrewId = request.CrewId, Hash = CalendarFeed.HashOf(secret), CreatedAt = now };
        database.CalendarFeeds.Add(created);
        await database.SaveChangesAsync(cancellationToken);
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"{Path}/{created.Id}", new CreatedCalendarResponse(created.Id, created.CrewId, now, $"{Path}/{secret}.ics"));
    }

    /// <summary>At once: each request reads its address.</summary>
    /// <param name="id">The calendar's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        return await database.CalendarFeeds.Where(feed => feed.Id == id && feed.UserId == user).ExecuteDeleteAsync(cancellationToken) == 1
            ? TypedResults.NoContent()
            : NotFound.ToProblem();
    }

    /// <param name="secret" example="EXAMPLEexampleEXAMPLEexampleEXAMPLEexample0">The secret of the address.</param>
    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> ReadAsync(
        string secret, HttpContext http, ReportingDbContext database, IOptions<ReportingOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        http.Response.Headers.CacheControl = "private, no-cache";
        var hash = CalendarFeed.HashOf(secret);

        // No session ends the address of a disabled account.
        if (await database.CalendarFeeds.AsNoTracking().SingleOrDefaultAsync(
            row => row.Hash == hash && !database.StaffAccounts.Any(account => account.UserId == row.UserId && account.Disabled), cancellationToken) is not { } feed)
        {
            return NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        var zone = DateTimeZoneProviders.Tzdb[options.Value.TimeZone];
        List<CalendarEntry> entries;
        string name;
        if (feed.CrewId is { } crew)
        {
            if (await ReaderOfAsync(feed, crew, database, cancellationToken) is not { } reader)
            {
                return NotFound.ToProblem();
            }

            name = reader.CrewName;
            entries = await OfCrewAsync(crew, reader, now, database, cancellationToken);
        }
        else
        {
            name = "Kashif";
            entries = await OfReporterAsync(feed.UserId, now, database, cancellationToken);
        }

        return TypedResults.File(Encoding.UTF8.GetBytes(CalendarDocument.Write(name, entries, zone, now)), CalendarDocument.ContentType);
    }

    private static async Task<bool> MaySeeAsync(Guid crew, ClaimsPrincipal staff, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var agency = staff.AgencyIdOrNull;
        return await database.Crews.AnyAsync(row => row.Id == crew && (agency == null || row.AgencyId == null || row.AgencyId == agency), cancellationToken);
    }

    /// <returns>Null for an owner who has left, or works for another agency now: the address has no session that would end.</returns>
    private static async Task<Reader?> ReaderOfAsync(CalendarFeed feed, Guid crew, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var found = await database.Crews.AsNoTracking().Where(row => row.Id == crew && !database.StaffAccounts.Any(account => account.UserId == feed.UserId && !account.IsStaff))
            .Select(row => new
            {
                row.Name,
                row.AgencyId,
                Owner = database.Employees.Where(employee => employee.UserId == feed.UserId).Select(employee => new { employee.Active, employee.AgencyId }).FirstOrDefault(),
                IsMember = database.CrewMembers.Any(member => member.CrewId == crew && member.UserId == feed.UserId),
            })
            .SingleOrDefaultAsync(cancellationToken);
        return found is null or { Owner.Active: false } || (found is { AgencyId: { } ofCrew, Owner.AgencyId: { } own } && own != ofCrew)
            ? null
            : new Reader(found.Name, found.Owner?.AgencyId, found.IsMember);
    }

    /// <summary>
    /// With addresses, and without a word about reporters. A crew of no agency works for all: of an agency's employees, only its members see its visits for other agencies.
    /// A report that is another agency's by now is in it only if it is public.
    /// </summary>
    private static async Task<List<CalendarEntry>> OfCrewAsync(Guid crew, Reader reader, DateTimeOffset now, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var (agency, isMember) = (reader.Agency, reader.IsMember);
        var own = database.WorkOrders.Where(order => agency == null || isMember || order.AgencyId == null || order.AgencyId == agency);
        var everyones = database.Reports.Public();
        var visits = await Recent(database.Visits.Where(visit => visit.CrewId == crew && own.Any(order => order.Id == visit.WorkOrderId)), now).ToListAsync(cancellationToken);
        var ids = visits.Select(visit => visit.WorkOrderId).Distinct().ToArray();
        var orders = await database.WorkOrders.AsNoTracking().Where(order => ids.Contains(order.Id)).ToDictionaryAsync(order => order.Id, cancellationToken);
        var places = (await database.WorkOrderReports.AsNoTracking().Where(part => ids.Contains(part.WorkOrderId))
                .Join(database.Reports, part => part.ReportId, report => report.Id, (part, report) => new { part.WorkOrderId, Report = report })
                .Where(part => agency == null || part.Report.AgencyId == agency || everyones.Any(report => report.Id == part.Report.Id)
                    || (isMember && own.Any(order => order.Id == part.WorkOrderId && (order.AgencyId == null || order.AgencyId == part.Report.AgencyId))))
                .Select(part => new Place(part.WorkOrderId, part.Report.Id, part.Report.Title, part.Report.Address, part.Report.Latitude, part.Report.Longitude))
                .ToListAsync(cancellationToken))
            .OrderBy(place => place.ReportId).ToLookup(place => place.OrderId);
        return visits.ConvertAll(visit =>
        {
            var (order, all) = (orders[visit.WorkOrderId], places[visit.WorkOrderId].ToList());
            var here = all.FirstOrDefault(place => place.ReportId == visit.ReportId) ?? all.FirstOrDefault();
            string[] lines = [.. order.Description.Length > 0 ? [order.Description] : Array.Empty<string>(), .. all.Select(place => $"{place.Title}: {place.Text}")];
            return new CalendarEntry(visit, order.Title, here?.Text, lines.Length > 0 ? string.Join('\n', lines) : null);
        });
    }

    private static async Task<List<CalendarEntry>> OfReporterAsync(Guid user, DateTimeOffset now, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var own = database.Reports.Where(report => report.UserId == user);
        var visits = await Recent(database.Visits.Where(visit => own.Any(report => report.Id == visit.ReportId)), now).ToListAsync(cancellationToken);
        var ids = visits.Select(visit => visit.ReportId).OfType<Guid>().Distinct().ToArray();
        var reports = await database.Reports.AsNoTracking().Where(report => ids.Contains(report.Id))
            .Select(report => new Place(Guid.Empty, report.Id, report.Title, report.Address, report.Latitude, report.Longitude)).ToDictionaryAsync(place => place.ReportId, cancellationToken);
        return [.. from visit in visits
                   let place = reports.GetValueOrDefault(visit.ReportId ?? Guid.Empty)
                   where place is not null
                   select new CalendarEntry(visit, place.Title, place.Text, null)];
    }

    /// <summary>With cancelled visits: calendar apps that already show one must learn of the cancellation.</summary>
    private static IQueryable<Visit> Recent(IQueryable<Visit> visits, DateTimeOffset now)
    {
        var since = now - Past;
        return visits.AsNoTracking().Where(visit => visit.EndsAt > since).OrderByDescending(visit => visit.StartsAt).ThenByDescending(visit => visit.Id).Take(MaxVisits);
    }

    /// <param name="Agency">The owner's agency; null for all.</param>
    /// <param name="IsMember">Whether the owner is one of the crew.</param>
    private sealed record Reader(string CrewName, Guid? Agency, bool IsMember);

    private sealed record Place(Guid OrderId, Guid ReportId, string Title, string? Address, double Latitude, double Longitude)
    {
        public string Text => Address ?? CalendarDocument.Coordinates(Latitude, Longitude);
    }
}
