using System.Collections.Frozen;
using System.Globalization;
using Kashif.Messaging;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Open311;

/// <summary>The statuses of an update in FixMyStreet's extension.</summary>
internal static class UpdateStatuses
{
    public static FrozenSet<string> All { get; } = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "OPEN", "CLOSED", "FIXED", "IN_PROGRESS", "PLANNED", "ACTION_SCHEDULED", "INVESTIGATING", "DUPLICATE", "NOT_COUNCILS_RESPONSIBILITY", "NO_FURTHER_ACTION",
        "INTERNAL_REFERRAL", "CANCELLED", "REOPEN", "FOR_TRIAGE");

    public static string Of(ReportStatus status) => status switch
    {
        ReportStatus.Submitted => "OPEN",
        ReportStatus.Verified => "INVESTIGATING",
        ReportStatus.InProgress => "IN_PROGRESS",
        ReportStatus.Resolved => "FIXED",
        ReportStatus.Rejected => "NO_FURTHER_ACTION",
        ReportStatus.Duplicate => "DUPLICATE",
        ReportStatus.Withdrawn => "CANCELLED",
        _ => throw new InvalidOperationException($"Unknown status {status}."),
    };
}

/// <summary>FixMyStreet's extension: changes of status and updates of clients, oldest first, and new updates.</summary>
internal static class Updates
{
    /// <summary>Two tables are merged, so that a page reads all before it.</summary>
    private const int MostUpdates = 50_000;

    private static readonly TextAttribute Description = new(0, Report.DescriptionMax);

    public static async Task<Answer> ListAsync(HttpContext http, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var parameters = new Parameters(Parameters.FormatOf(http), http.Request.Query);
        var (start, end) = parameters.Range(time.GetUtcNow(), ReadRequests.MaxDays);
        var (skip, take) = parameters.Page();
        if (skip + take > MostUpdates)
        {
            parameters.Faults.Add(Fault.Bad("page: only the first 50000 updates of a range can be read. Send a later start_date"));
        }

        if (parameters.Faults.Count > 0)
        {
            return parameters.Faults.ToAnswer(parameters.Format);
        }

        var reports = database.Reports.AsNoTracking().Public();
        var changes = await database.StatusChanges.AsNoTracking().Where(change => change.At >= start && change.At <= end && change.IsPublic && change.From != change.To)
            .Join(reports, change => change.ReportId, report => report.Id, (change, report) => change)
            .OrderBy(change => change.At).ThenBy(change => change.ReportId).ThenBy(change => change.Version).Take(skip + take)
            .Select(change => new { change.ReportId, change.Version, change.To, change.Comment, change.At }).ToListAsync(cancellationToken);
        var updates = await database.Open311Updates.AsNoTracking().Public(database).Where(update => update.At >= start && update.At <= end)
            .Join(reports, update => update.ReportId, report => report.Id, (update, report) => update)
            .OrderBy(update => update.At).ThenBy(update => update.Id).Take(skip + take).ToListAsync(cancellationToken);

        // In the order of the two queries: another one would skip and repeat at the edge of a page.
        var rows = changes.Select(change => (
                Key: change.ReportId, change.Version, Id: string.Create(CultureInfo.InvariantCulture, $"{change.ReportId}-{change.Version}"), change.ReportId,
                Status: UpdateStatuses.Of(change.To), Description: change.Comment, MediaUrl: (string?)null, change.At, External: (string?)change.To.WireName()))
            .Concat(updates.Select(update => (
                Key: update.Id, Version: 0, Id: update.Id.ToString(), update.ReportId, update.Status, Description: (string?)update.Description, update.MediaUrl, update.At,
                External: (string?)null)))
            .OrderBy(row => row.At).ThenBy(row => row.Key).ThenBy(row => row.Version).Skip(skip).Take(take);
        return new Answer(
            parameters.Format,
            "service_request_updates",
            new Items("request_update",
            [
                .. rows.Select(row => new Fields(
                    ("update_id", row.Id),
                    ("service_request_id", row.ReportId.ToString()),
                    ("status", row.Status),
                    ("description", row.Description ?? ""),
                    ("media_url", row.MediaUrl),
                    ("updated_datetime", row.At),
                    ("external_status_code", row.External))),
            ]),
            cacheControl: "public, max-age=2");
    }

    /// <summary>The same <c>update_id</c> of a key and a request is one update, however often it is sent.</summary>
    public static async Task<Answer> CreateAsync(
        HttpContext http, ReportingDbContext database, ReportWriter writer, TimeProvider time, IOptions<Open311Options> options, CancellationToken cancellationToken)
    {
        var caller = http.Features.GetRequiredFeature<Caller>();
        var (parameters, now) = (caller.Parameters, time.GetUtcNow());
        if (Read(parameters, now) is not { } sent)
        {
            return parameters.Faults.ToAnswer(parameters.Format);
        }

        if (!Guid.TryParse(sent.RequestId, out var report) || !await database.Reports.Public().AnyAsync(row => row.Id == report, cancellationToken))
        {
            return Fault.NotFound("service_request_id not found").ToAnswer(parameters.Format);
        }

        if (await FindAsync() is { } known)
        {
            return Created(known);
        }

        if (!await ReportWriter.TryUseAsync(database, KeyCheck.AllowanceOf(caller, options.Value), now, cancellationToken))
        {
            http.Response.Headers.RetryAfter = await writer.RetryAfterAsync(database, caller.KeyId, now, cancellationToken);
            return new Fault(StatusCodes.Status429TooManyRequests, "The hourly limit of this api_key is reached").ToAnswer(parameters.Format);
        }

        var update = new Update
        {
            Id = TimeOrderedId.Create(now),
            KeyId = caller.KeyId,
            ReportId = report,
            ClientId = sent.UpdateId,
            Status = sent.Status,
            Description = sent.Description,
            MediaUrl = sent.MediaUrl,
            At = sent.At,
        };
        database.Open311Updates.Add(update);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
            return Created(update.Id);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            // A parallel request has sent the same update.
            return Created(await FindAsync() ?? update.Id);
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            // The report has been deleted meanwhile.
            return Fault.NotFound("service_request_id not found").ToAnswer(parameters.Format);
        }

        async Task<Guid?> FindAsync() => await database.Open311Updates.AsNoTracking()
            .Where(row => row.KeyId == caller.KeyId && row.ReportId == report && row.ClientId == sent.UpdateId)
            .Select(row => (Guid?)row.Id).SingleOrDefaultAsync(cancellationToken);

        Answer Created(Guid id) => new(parameters.Format, "service_request_updates", new Items("request_update", [new Fields(("update_id", id.ToString()))]));
    }

    private static Sent? Read(Parameters parameters, DateTimeOffset now)
    {
        var (request, id, status) = (parameters.Text("service_request_id"), parameters.Text("update_id", Update.ClientIdMax), parameters.Text("status"));
        var at = parameters.Time("updated_datetime");
        var description = parameters.Text("description") ?? "";
        var media = CreateRequest.MediaUrl(parameters);
        foreach (var (name, value) in new[] { ("service_request_id", request), ("update_id", parameters.Text("update_id")), ("status", status) })
        {
            if (value is null)
            {
                parameters.Faults.Add(Fault.Missing(name));
            }
        }

        if (status is not null && !UpdateStatuses.All.Contains(status))
        {
            parameters.Faults.Add(Fault.Bad($"status: must be one of {string.Join(", ", UpdateStatuses.All.Order(StringComparer.Ordinal))}"));
        }

        if (!Description.IsValid(description))
        {
            parameters.Faults.Add(Fault.Bad("description: at most 4000 characters"));
        }

        return parameters.Faults.Count == 0 && request is not null && id is not null && status is not null
            ? new Sent(request, id, status.ToUpperInvariant(), description, media, at < now ? at.Value : now)
            : null;
    }

    private sealed record Sent(string RequestId, string UpdateId, string Status, string Description, string? MediaUrl, DateTimeOffset At);
}
