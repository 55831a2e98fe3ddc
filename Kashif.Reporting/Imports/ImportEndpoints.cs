using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Imports;

/// <summary>A change of the status of an imported report.</summary>
/// <param name="Status" example="verified">The new status.</param>
/// <param name="At" example="2025-03-02T09:30:00Z">When it changed: not before the step before, and not in the future.</param>
/// <param name="Comment" example="We have seen it.">What was written about the change; null if nothing.</param>
/// <param name="ChangedBy" example="null">The id of the user who changed it; null if it was no user of Kashif.</param>
/// <param name="DuplicateOf" example="null">The client id of the original report, imported before or earlier in this request. Required for the status <c>duplicate</c>, not allowed otherwise.</param>
public sealed record ImportedStep(
    ReportStatus Status,
    DateTimeOffset At,
    [property: Text(0, StatusChange.CommentMax)] string? Comment = null,
    Guid? ChangedBy = null,
    [property: Text(1, ImportRecord.ClientIdMax)] string? DuplicateOf = null);

/// <summary>A report of another system, with its history.</summary>
/// <param name="ClientId" example="OLD-2025-000417">Its id in the other system. The same id is the same report, however often it is sent.</param>
/// <param name="CreatedAt" example="2025-03-01T07:15:00Z">When it was filed there: since 1970, and not in the future.</param>
/// <param name="Title" example="Deep pothole">A short title. Leading and trailing white space is removed.</param>
/// <param name="Description" example="In the right lane, about 20 cm deep.">What is broken.</param>
/// <param name="Category" example="pothole">The code of a category, also of one that is not active any more.</param>
/// <param name="Latitude" example="33.51">Degrees north, as in WGS 84.</param>
/// <param name="Longitude" example="36.29">Degrees east, as in WGS 84.</param>
/// <param name="Address" example="Straight Street, Damascus">The address in words; null if it is not known.</param>
/// <param name="UserId" example="null">The id of the user who filed it; null if it was no user of Kashif.</param>
/// <param name="Anonymous" example="false">True: the public does not learn who reported it. Staff do.</param>
/// <param name="Private" example="false">True: only the reporter and staff see it.</param>
/// <param name="History">The changes of its status, oldest first; at most 50. A report is filed as <c>submitted</c>.</param>
public sealed record ImportedReport(
    [property: Identifier(ImportRecord.ClientIdMax)] string ClientId,
    DateTimeOffset CreatedAt,
    [property: Title(Report.TitleMin, Report.TitleMax)] string Title,
    [property: Text(0, Report.DescriptionMax)] string Description,
    [property: Text(1, Categories.Category.CodeMax)] string Category,
    [property: Between(-90.0, 90.0)] double Latitude,
    [property: Between(-180.0, 180.0)] double Longitude,
    [property: Text(0, Report.AddressMax)] string? Address = null,
    Guid? UserId = null,
    bool Anonymous = false,
    bool Private = false,
    [property: MaxLength(ImportEndpoints.MaxSteps, ErrorMessage = ImportEndpoints.Steps)] IReadOnlyList<ImportedStep>? History = null);

/// <summary>Reports of another system.</summary>
/// <param name="Reports">1 to 100 reports.</param>
public sealed record ImportRequest(
    [property: MinLength(1, ErrorMessage = ImportEndpoints.Count), MaxLength(ImportEndpoints.MaxReports, ErrorMessage = ImportEndpoints.Count)] IReadOnlyList<ImportedReport> Reports);

/// <summary>What became of a report of an import.</summary>
public enum ImportOutcome
{
    /// <summary>It was imported now.</summary>
    Created,

    /// <summary>It was imported before, by the same client id, and has not changed.</summary>
    Exists,

    /// <summary>It is invalid, and was not imported.</summary>
    Invalid,
}

/// <summary>The answer for one report of an import.</summary>
/// <param name="ClientId" example="OLD-2025-000417">Its id in the other system.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="ReportId">The id of the report; absent if it was not imported.</param>
/// <param name="Errors" example="{&quot;history[1].status&quot;: [&quot;A report cannot change from submitted to resolved.&quot;]}">The errors by field, if it is invalid.</param>
internal sealed record ImportItem(
    string ClientId,
    ImportOutcome Outcome,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? ReportId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IDictionary<string, string[]>? Errors = null);

/// <summary>The answers of an import.</summary>
/// <param name="Items">One a report, in their order.</param>
internal sealed record ImportResponse(IReadOnlyList<ImportItem> Items);

/// <summary>
/// Takes over the reports of another system. What happened there earns no points and notifies no one: no event is published for it. The report's own
/// later changes are like those of every other report.
/// </summary>
internal static class ImportEndpoints
{
    public const int MaxReports = 100;
    public const int MaxSteps = 50;
    public const string Count = "Must have between 1 and 100 items.";
    public const string Steps = "Must have at most 50 items.";
    public const string Required = "This field is required.";

    public static IEndpointRouteBuilder MapImports(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/api/v1/reports/imports", ImportAsync).WithMetadata(new RequestSizeLimitAttribute(BatchEndpoints.MaxBody)).WithIdempotency().DisableValidation().RequireAuthorization(Policies.Admin).WithTags("Imports")
            .WithName("ImportReports").WithSummary("Import reports of another system with their history")
            .WithDescription("Each report is imported or not on its own, with its history. The whole request can be sent again: a report with a known `client_id` is not imported twice. "
                + "The past earns no points and sends no notifications, and webhooks are not told.");
        return endpoints;
    }

    private static async Task<Results<Ok<ImportResponse>, ValidationProblem>> ImportAsync(
        ImportRequest request,
        HttpContext http,
        ReportingDbContext database,
        Importer importer,
        UnitOfWork work,
        CancellationToken cancellationToken)
    {
        if (request.Reports.Count is 0 or > MaxReports)
        {
            return Error.Field("reports", Count);
        }

        if (request.Reports.Any(report => report is null)) // JSON's null, which the type does not allow
        {
            return Error.Field("reports", Required);
        }

        var items = new List<ImportItem>(request.Reports.Count);
        foreach (var report in request.Reports)
        {
            items.Add(await importer.ImportAsync(report, http, cancellationToken));
            database.ChangeTracker.Clear(); // of an invalid one
        }

        return await work.CommitAsync(TypedResults.Ok(new ImportResponse(items)), cancellationToken);
    }
}

/// <summary>Imports one report in a transaction of its own: an import that is interrupted has its first reports, and is sent again.</summary>
internal sealed class Importer(
    ReportingDbContext database, CategoryCache categories, ReportRules rules, ReportMerges merges, ReportingMetrics metrics, TimeProvider time)
{
    public async Task<ImportItem> ImportAsync(ImportedReport imported, HttpContext http, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var errors = await FieldErrors.FindAsync(http, imported);
        if (imported.Category.Trim().Length > 0)
        {
            errors.Add("category", await categories.ValidateFilterAsync(imported.Category, cancellationToken));
        }

        foreach (var (index, _) in (imported.History ?? []).Index().Where(step => step.Item is null))
        {
            errors.Add($"history[{index}]", ImportEndpoints.Required);
        }

        AddTimes(errors, imported, now);
        if (errors.ToProblem() is { } invalid)
        {
            return Invalid(imported, invalid);
        }

        // Before the transaction: the areas and the promised times may need a second connection.
        var created = Micros(imported.CreatedAt);
        var terms = await rules.TermsAsync(imported.Category, imported.Latitude, imported.Longitude, created, cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var erased = await ErasedAsync(imported, cancellationToken);
        var filed = new CreateReportRequest(
            imported.Title, imported.Description, imported.Category, imported.Latitude, imported.Longitude, imported.Address, imported.Anonymous, imported.Private)
            .ToNewReport(Known(imported.UserId, erased) ?? ErasedUser.Id);
        var past = new PastReport(Report.Create(filed, terms, created));

        // Waits for another request that imports the same one.
        var clientId = imported.ClientId.Trim();
        var isNew = await database.Database.ExecuteSqlAsync(
            $"INSERT INTO imported_reports (client_id, report_id, version, imported_at) VALUES ({clientId}, {past.Report.Id}, 1, {now}) ON CONFLICT DO NOTHING",
            cancellationToken) == 1;
        if (!isNew)
        {
            return new ImportItem(imported.ClientId, ImportOutcome.Exists, await FindAsync(clientId, cancellationToken));
        }

        var steps = imported.History ?? [];
        for (var index = 0; index < steps.Count && errors.ToProblem() is null; index++)
        {
            await AddAsync(past, steps[index], $"history[{index}]", http.User, erased, errors, cancellationToken);
        }

        if (errors.ToProblem() is { } impossible)
        {
            return Invalid(imported, impossible);
        }

        past.Report.KeepQuiet();
        database.Reports.Add(past.Report);
        database.StatusChanges.AddRange(past.History);
        database.Audit(
            http.User.UserId, "imported", "report", past.Report.Id, past.Report.AgencyId,
            JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["client_id"] = clientId }, ReportingJson.Default.DictionaryStringString), now);
        await database.SaveChangesAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"UPDATE imported_reports SET version = {past.Report.Version} WHERE client_id = {clientId}", cancellationToken);
        if (past.Report.DuplicateOf is { } original)
        {
            await merges.MoveAsync(past.Report.Id, original, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        metrics.Imported(past.Report.Status);
        return new ImportItem(imported.ClientId, ImportOutcome.Created, past.Report.Id);
    }

    /// <summary>Adds a step, or the error that it is.</summary>
    private async Task AddAsync(
        PastReport past, ImportedStep step, string field, ClaimsPrincipal user, HashSet<Guid> erased, FieldErrors errors, CancellationToken cancellationToken)
    {
        Guid? original = step.DuplicateOf is { } clientId && step.Status is ReportStatus.Duplicate ? await FindAsync(clientId.Trim(), cancellationToken) ?? Guid.Empty : null;
        if (original is { } id)
        {
            // It may not become a duplicate itself, or private, before this commits.
            await database.LockAsync([id], cancellationToken);
        }

        var error = await merges.ValidateAsync(past.Report, new ChangeStatusRequest(step.Status, DuplicateOf: original), user, database, cancellationToken);
        error ??= step.DuplicateOf is not null && original is null ? ReportMerges.NotAllowed : null;
        errors.Add($"{field}.duplicate_of", error);
        if (error is null)
        {
            var comment = step.Comment?.Trim() is { Length: > 0 } text ? text : null;
            errors.Add($"{field}.status", past.TryAdd(new PastStep(step.Status, Micros(step.At), comment, Known(step.ChangedBy, erased), original)));
        }
    }

    private static void AddTimes(FieldErrors errors, ImportedReport imported, DateTimeOffset now)
    {
        var last = imported.CreatedAt;
        errors.Add("created_at", last <= DateTimeOffset.UnixEpoch ? "Must be later than 1970." : last > now ? Future : null);
        foreach (var (index, step) in (imported.History ?? []).Index().Where(step => step.Item is not null))
        {
            errors.Add($"history[{index}].at", step.At > now ? Future : step.At < last ? "Must not be before the step before." : null);
            last = step.At;
        }
    }

    private const string Future = "Must not be in the future.";

    /// <summary>As the database stores it.</summary>
    private static DateTimeOffset Micros(DateTimeOffset time) => new(time.UtcTicks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);

    /// <summary>A user who has left stays unknown.</summary>
    private static Guid? Known(Guid? userId, HashSet<Guid> erased) => userId is { } id && erased.Contains(id) ? null : userId;

    private async Task<HashSet<Guid>> ErasedAsync(ImportedReport imported, CancellationToken cancellationToken)
    {
        var users = (imported.History ?? []).Select(step => step.ChangedBy).Append(imported.UserId).OfType<Guid>().Distinct().ToArray();
        return users is [] ? [] : [.. await database.Database.SqlQuery<Guid>($"""SELECT user_id AS "Value" FROM erased_users WHERE user_id = ANY ({users})""").ToListAsync(cancellationToken)];
    }

    private async Task<Guid?> FindAsync(string clientId, CancellationToken cancellationToken) =>
        await database.Imports.Where(row => row.ClientId == clientId).Select(row => (Guid?)row.ReportId).SingleOrDefaultAsync(cancellationToken);

    private static ImportItem Invalid(ImportedReport imported, ValidationProblem problem) => new(
        imported.ClientId,
        ImportOutcome.Invalid,
        Errors: problem.ProblemDetails.Errors.ToDictionary(field => field.Key, field => field.Value.Select(Localized.Text).ToArray()));
}
