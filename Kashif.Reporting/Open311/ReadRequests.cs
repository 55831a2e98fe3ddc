using Kashif.Messaging;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>Public reports as Open311's requests, newest first.</summary>
internal static class ReadRequests
{
    /// <summary>The longest range of dates, and the default one.</summary>
    public const int MaxDays = 90;

    private const int MaxIds = 200;

    /// <summary>A page reads all requests before it. <c>before</c> does not.</summary>
    private const int MostRead = 10_000;
    private const double DefaultRadius = 1000;
    private const double MaxRadius = 1_000_000;

    /// <summary>Ids are made from the time of creation, on another machine's clock at most.</summary>
    private static readonly TimeSpan IdPrecision = TimeSpan.FromMinutes(1);

    public static async Task<Answer> ListAsync(HttpContext http, ReportingDbContext database, CategoryCache categories, QuestionCache questions, TimeProvider time, CancellationToken cancellationToken)
    {
        var parameters = new Parameters(Parameters.FormatOf(http), http.Request.Query);
        var reports = database.Reports.AsNoTracking().Public();
        var (skip, pageSize) = (0, (int?)null);
        if (parameters.List("service_request_id") is { } list)
        {
            if (list.Count > MaxIds)
            {
                parameters.Faults.Add(Fault.Bad($"service_request_id: at most {MaxIds} ids"));
            }

            // An unknown id, or a text that is no UUID, is left out.
            Guid[] ids = [.. list.Take(MaxIds).Select(id => Guid.TryParse(id, out var parsed) ? parsed : (Guid?)null).OfType<Guid>()];
            reports = reports.Where(report => ids.Contains(report.Id));
        }
        else
        {
            (skip, pageSize) = parameters.Page();
            if (skip + pageSize > MostRead)
            {
                parameters.Faults.Add(Fault.Bad("page: only the first 10000 requests can be read by page. Send the last service_request_id as before"));
            }

            reports = Before(reports, parameters);
            reports = ByDate(reports, parameters, time.GetUtcNow());
            reports = await ByServiceAsync(reports, parameters, categories, cancellationToken);
            reports = ByStatus(reports, parameters);
            reports = ByPlace(reports, parameters);
        }

        return parameters.Faults.Count > 0
            ? parameters.Faults.ToAnswer(parameters.Format)
            : await AnswerAsync(reports.OrderByDescending(report => report.Id).Skip(skip).Take(pageSize ?? MaxIds), parameters, http, database, questions, "public, max-age=2", pageSize, cancellationToken);
    }

    public static async Task<Answer> GetAsync(string id, HttpContext http, ReportingDbContext database, QuestionCache questions, CancellationToken cancellationToken)
    {
        var parameters = new Parameters(Parameters.FormatOf(http), http.Request.Query);
        return Guid.TryParse(id, out var report) && await database.Reports.Public().AnyAsync(row => row.Id == report, cancellationToken)
            ? await AnswerAsync(database.Reports.AsNoTracking().Public().Where(row => row.Id == report), parameters, http, database, questions, "public, no-cache", pageSize: null, cancellationToken)
            : Fault.NotFound("service_request_id not found").ToAnswer(parameters.Format);
    }

    /// <summary>The id of a request that was sent without coordinates: null until staff have placed it on the map, and while the public may not see it.</summary>
    public static async Task<Answer> GetTokenAsync(string token, HttpContext http, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var format = Parameters.FormatOf(http);
        if (!Guid.TryParse(token, out var id)
            || await database.Open311Submissions.AsNoTracking().Where(row => row.Id == id).Select(row => new { row.ReportId }).SingleOrDefaultAsync(cancellationToken) is not { } submission)
        {
            return Fault.NotFound("token not found").ToAnswer(format);
        }

        var isPublic = await database.Reports.Public().AnyAsync(report => report.Id == submission.ReportId, cancellationToken);
        return new Answer(format, "service_requests", new Items("request",
        [
            new Fields(("service_request_id", isPublic ? submission.ReportId?.ToString() : null), ("token", id.ToString())),
        ]));
    }

    /// <summary>The next page of what the client has read so far, without reading that again.</summary>
    private static IQueryable<Report> Before(IQueryable<Report> reports, Parameters parameters)
    {
        if (parameters.Text("before") is not { } text)
        {
            return reports;
        }

        if (Guid.TryParse(text, out var id))
        {
            return reports.Where(report => report.Id < id);
        }

        parameters.Faults.Add(Fault.Bad("before: must be a service_request_id"));
        return reports;
    }

    private static IQueryable<Report> ByDate(IQueryable<Report> reports, Parameters parameters, DateTimeOffset now)
    {
        var (start, end) = parameters.Range(now, MaxDays);
        var (after, before) = (parameters.Time("updated_after"), parameters.Time("updated_before"));

        // A client that follows changes wants those of old requests too.
        if ((after ?? before) is null || (parameters.Text("start_date") ?? parameters.Text("end_date")) is not null)
        {
            var (first, last) = (TimeOrderedId.Before(Shift(start, -IdPrecision)), TimeOrderedId.Before(Shift(end, IdPrecision)));
            reports = reports.Where(report => report.Id > first && report.Id < last && report.CreatedAt >= start && report.CreatedAt <= end);
        }

        if (after is { } from)
        {
            reports = reports.Where(report => report.UpdatedAt >= from);
        }

        if (before is { } to)
        {
            to = Parameters.EndOfSecond(to);
            reports = reports.Where(report => report.UpdatedAt <= to);
        }

        return reports;
    }

    private static DateTimeOffset Shift(DateTimeOffset time, TimeSpan by) =>
        by < TimeSpan.Zero && time - DateTimeOffset.MinValue < -by ? DateTimeOffset.MinValue : by > TimeSpan.Zero && DateTimeOffset.MaxValue - time < by ? DateTimeOffset.MaxValue : time + by;

    private static async Task<IQueryable<Report>> ByServiceAsync(IQueryable<Report> reports, Parameters parameters, CategoryCache categories, CancellationToken cancellationToken)
    {
        if (parameters.List("service_code") is not { } codes)
        {
            return reports;
        }

        foreach (var code in codes)
        {
            if (await categories.ValidateFilterAsync(code, cancellationToken) is not null)
            {
                parameters.Faults.Add(Fault.NotFound($"service_code {code} not found"));
            }
        }

        return reports.Where(report => codes.Contains(report.Category));
    }

    /// <summary>Besides <c>open</c> and <c>closed</c>, the statuses of the API.</summary>
    private static IQueryable<Report> ByStatus(IQueryable<Report> reports, Parameters parameters)
    {
        if (parameters.List("status") is not { } names)
        {
            return reports;
        }

        var statuses = new List<ReportStatus>();
        foreach (var name in names.Select(name => name.ToLowerInvariant()))
        {
            if (name is "open" or "closed")
            {
                statuses.AddRange(Enum.GetValues<ReportStatus>().Where(status => status.IsOpen() == (name == "open")));
            }
            else if (ReportStatuses.TryParse(name, out var status))
            {
                statuses.Add(status);
            }
            else
            {
                parameters.Faults.Add(Fault.Bad("status: must be open or closed"));
            }
        }

        return reports.Where(report => statuses.Contains(report.Status));
    }

    private static IQueryable<Report> ByPlace(IQueryable<Report> reports, Parameters parameters)
    {
        if (parameters.Text("bbox") is { } box)
        {
            reports = ByBox(reports, box, parameters);
        }

        var faults = parameters.Faults.Count;
        var (latitude, longitude, radius) = (parameters.Number("lat", -90, 90), parameters.Number("long", -180, 180), parameters.Number("radius", 0, MaxRadius));
        if (latitude is { } north && longitude is { } east)
        {
            var metres = radius ?? DefaultRadius;
            var centre = new Place(north, east).ToPoint();
            return reports.Where(report => report.Location!.IsWithinDistance(centre, metres));
        }

        if (parameters.Faults.Count == faults && (latitude ?? longitude ?? radius) is not null)
        {
            parameters.Faults.Add(Fault.Missing(latitude is null ? "lat" : "long"));
        }

        return reports;
    }

    /// <param name="text">West, south, east, north; west may be greater than east, for a box over the antimeridian.</param>
    private static IQueryable<Report> ByBox(IQueryable<Report> reports, string text, Parameters parameters)
    {
        if (BoundingBox.Parse(text.Replace(" ", "", StringComparison.Ordinal)) is { } box)
        {
            return reports.Inside(box);
        }

        parameters.Faults.Add(Fault.Bad("bbox: must be west,south,east,north in degrees"));
        return reports;
    }

    /// <param name="pageSize">Of a list: a full page names the next one. Null for requests by their ids.</param>
    private static async Task<Answer> AnswerAsync(
        IQueryable<Report> reports, Parameters parameters, HttpContext http, ReportingDbContext database, QuestionCache questions, string cacheControl, int? pageSize,
        CancellationToken cancellationToken)
    {
        var extended = parameters.Text("extensions") is { } extensions && extensions.Equals("true", StringComparison.OrdinalIgnoreCase);
        var rows = await reports
            .Select(report => new RequestRow(
                report.Id, report.Status, report.Description, report.Category, database.Agencies.Where(agency => agency.Id == report.AgencyId).Select(agency => agency.NameEn).FirstOrDefault(),
                report.CreatedAt, report.UpdatedAt, report.ExpectedAt, report.Address, report.Latitude, report.Longitude))
            .ToListAsync(cancellationToken);
        var ids = rows.ConvertAll(row => row.Id);
        if (ids.Count == pageSize)
        {
            var query = http.Request.Query.Where(parameter => parameter.Key is not ("page" or "before" or "api_key")).Append(new("before", ids[^1].ToString()));
            http.Response.Headers.Link = $"<{QueryString.Create(query)}>; rel=\"next\""; // RFC 8288
        }

        var names = await ServiceList.NamesAsync(database, cancellationToken);
        var submissions = await database.Open311Submissions.AsNoTracking()
            .Where(row => row.ReportId != null && ids.Contains(row.ReportId.Value))
            .Select(row => new { row.ReportId, row.AddressId, row.MediaUrl })
            .ToDictionaryAsync(row => row.ReportId.GetValueOrDefault(), row => (row.AddressId, row.MediaUrl), cancellationToken);
        var origin = Discovery.Origin(http.Request);
        var photos = (await database.Photos.Where(photo => photo.ReportId != null && ids.Contains(photo.ReportId.Value) && photo.State == PhotoState.Attached && !photo.Hidden)
                .OrderBy(photo => photo.Id).Select(photo => new { photo.Id, ReportId = photo.ReportId.GetValueOrDefault() }).ToListAsync(cancellationToken))
            .ToLookup(photo => photo.ReportId, photo => $"{origin}/api/v1/reports/{photo.ReportId}/photos/{photo.Id}");
        var changes = (await database.StatusChanges.AsNoTracking().Where(change => ids.Contains(change.ReportId) && change.IsPublic && change.From != change.To)
            .OrderBy(change => change.Version).ToListAsync(cancellationToken)).ToLookup(change => change.ReportId);
        var updates = extended
            ? (await database.Open311Updates.AsNoTracking().Public(database).Where(update => ids.Contains(update.ReportId)).OrderBy(update => update.At).ToListAsync(cancellationToken))
                .ToLookup(update => update.ReportId)
            : null;

        var answers = extended ? await ReportAnswers.PublicOfAsync(database, ids, cancellationToken) : [];
        var asked = new Dictionary<string, IReadOnlyList<Question>>();
        foreach (var category in rows.Select(row => row.Category).Distinct())
        {
            asked[category] = await questions.OfAsync(category, cancellationToken);
        }

        var requests = rows.ConvertAll(row =>
        {
            var (addressId, sentUrl) = submissions.GetValueOrDefault(row.Id);
            string[] media = [.. photos[row.Id], .. sentUrl is null ? [] : new[] { sentUrl }];
            var fields = new List<(string, object?)>
            {
                ("service_request_id", row.Id.ToString()),
                ("status", row.Status.IsOpen() ? "open" : "closed"),
                ("status_notes", changes[row.Id].LastOrDefault(change => change.Comment != null)?.Comment),
                ("service_name", names.GetValueOrDefault(row.Category, row.Category)),
                ("service_code", row.Category),
                ("description", row.Description.Length > 0 ? row.Description : null),
                ("agency_responsible", row.Agency),
                ("service_notice", null),
                ("requested_datetime", row.CreatedAt),
                ("updated_datetime", row.Status.IsOpen() ? row.UpdatedAt : changes[row.Id].LastOrDefault()?.At ?? row.UpdatedAt),
                ("expected_datetime", row.ExpectedAt),
                ("address", row.Address),
                ("address_id", addressId),
                ("zipcode", null),
                ("lat", row.Latitude),
                ("long", row.Longitude),
                ("media_url", media.FirstOrDefault()),
            };
            if (updates is not null)
            {
                fields.Add(("attributes", Attributes.Describe(asked[row.Category], answers.GetValueOrDefault(row.Id, []))));
                fields.Add(("extended_attributes", new Fields(
                    ("photos", new Items("photo", media)),
                    ("detailed_status", row.Status.WireName()))));
                fields.Add(("notes", new Items("note", Notes(changes[row.Id], updates[row.Id]))));
            }

            return (object?)new Fields(fields);
        });
        return new Answer(parameters.Format, "service_requests", new Items("request", requests), cacheControl: cacheControl);
    }

    private static object?[] Notes(IEnumerable<StatusChange> changes, IEnumerable<Update> updates) =>
    [
        .. changes.Select(change => (change.At, Description: change.Comment, Type: change.To.WireName()))
            .Concat(updates.Select(update => (update.At, Description: update.Description.Length > 0 ? update.Description : null, Type: update.Status.ToLowerInvariant())))
            .OrderBy(note => note.At)
            .Select(note => new Fields(("datetime", note.At), ("description", note.Description), ("type", note.Type))),
    ];

    private sealed record RequestRow(
        Guid Id, ReportStatus Status, string Description, string Category, string? Agency, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, DateTimeOffset? ExpectedAt,
        string? Address, double Latitude, double Longitude);
}
