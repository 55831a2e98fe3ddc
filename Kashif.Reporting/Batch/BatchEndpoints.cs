using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Batch;

/// <summary>A report that was made offline.</summary>
/// <param name="ClientId" example="3f8d6f0e-1c51-4d39-9a0e-1f7f6f1f3f1c">The app's own id, such as a UUID. The same id of the same user is the same report, however often it is sent.</param>
/// <param name="CapturedAt">When it was made: at most 30 days ago.</param>
/// <param name="Title" example="Deep pothole">A short title. Leading and trailing white space is removed.</param>
/// <param name="Description" example="In the right lane, about 20 cm deep.">What is broken.</param>
/// <param name="Category" example="pothole">The code of a category from <c>GET /categories</c>.</param>
/// <param name="Latitude" example="33.51">Degrees north, as in WGS 84.</param>
/// <param name="Longitude" example="36.29">Degrees east, as in WGS 84.</param>
/// <param name="Address" example="Straight Street, Damascus">The address in words; null if it is not known.</param>
/// <param name="Anonymous" example="false">True: the public does not learn who reported it. Staff do.</param>
/// <param name="Private" example="false">True: only the reporter and staff see it.</param>
/// <param name="Answers" example='{"size": "small"}'>The answers to the questions of the category, by their codes.</param>
/// <param name="OnBehalfOf">For customer service: the id of the customer whose report it becomes; null for an own report.</param>
public sealed record OfflineReport(
    [property: Identifier(ClientReport.ClientIdMax)] string ClientId,
    DateTimeOffset CapturedAt,
    [property: Title(Report.TitleMin, Report.TitleMax)] string Title,
    [property: Text(0, Report.DescriptionMax)] string Description,
    [property: Text(1, Categories.Category.CodeMax)] string Category,
    [property: Between(-90.0, 90.0)] double Latitude,
    [property: Between(-180.0, 180.0)] double Longitude,
    [property: Text(0, Report.AddressMax)] string? Address = null,
    bool Anonymous = false,
    bool Private = false,
    IReadOnlyDictionary<string, JsonElement>? Answers = null,
    Guid? OnBehalfOf = null);

/// <summary>Reports that an app has made while it was offline.</summary>
/// <param name="Reports">1 to 100 reports.</param>
public sealed record BatchRequest([property: MinLength(1, ErrorMessage = BatchEndpoints.Count), MaxLength(BatchEndpoints.MaxReports, ErrorMessage = BatchEndpoints.Count)] IReadOnlyList<OfflineReport> Reports);

/// <summary>What became of a report of a batch.</summary>
public enum BatchOutcome
{
    /// <summary>It was filed now.</summary>
    Created,

    /// <summary>It was filed before, by the same client id.</summary>
    Exists,

    /// <summary>It is invalid, and was not filed.</summary>
    Invalid,

    /// <summary>It was not filed, because the user has reached the hourly limit. Send it again later.</summary>
    OverQuota,
}

/// <summary>The answer for one report of a batch.</summary>
/// <param name="ClientId" example="3f8d6f0e-1c51-4d39-9a0e-1f7f6f1f3f1c">The app's own id.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="ReportId">The id of the report; absent if it was not filed.</param>
/// <param name="Errors" example="{&quot;title&quot;: [&quot;This field is required.&quot;]}">The errors by field, if it is invalid.</param>
internal sealed record BatchItem(
    string ClientId,
    BatchOutcome Outcome,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? ReportId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IDictionary<string, string[]>? Errors = null);

/// <summary>The answers of a batch.</summary>
/// <param name="Items">One a report, in their order.</param>
internal sealed record BatchResponse(IReadOnlyList<BatchItem> Items);

/// <summary>Files reports that an app has made while it was offline.</summary>
internal static class BatchEndpoints
{
    public const int MaxReports = 100;
    public const string Count = "Must have between 1 and 100 items.";

    /// <summary>The greatest body, in bytes: long texts, each letter as <c>\uXXXX</c>.</summary>
    public const int MaxBody = 5 * 1024 * 1024;

    /// <summary>A clock that is a little fast makes no report invalid.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Oldest = TimeSpan.FromDays(30);

    public static IEndpointRouteBuilder MapBatch(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/api/v1/reports/batch", FileAsync).WithMetadata(new RequestSizeLimitAttribute(MaxBody)).WithIdempotency().DisableValidation().RequireAuthorization().WithTags("Sync")
            .WithName("CreateReports").WithSummary("File reports that were made offline")
            .WithDescription("Each report is filed or not on its own. The whole batch can be sent again: a report with a known `client_id` is not filed twice. "
                + "Use a new `Idempotency-Key`, or none, to send reports again that were `over_quota`.")
            .WithProblems(403, "forbidden").WithProblems(503, "auth_unavailable");
        return endpoints;
    }

    private static async Task<Results<Ok<BatchResponse>, ValidationProblem, ProblemHttpResult>> FileAsync(
        BatchRequest request,
        HttpContext http,
        ReportingDbContext database,
        ReportWriter writer,
        CategoryCache categories,
        ReportRules rules,
        IReportAnswers questions,
        CustomerAccounts customers,
        IOptions<ReportingOptions> options,
        UnitOfWork work,
        ReportingMetrics metrics,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (request.Reports.Count is 0 or > MaxReports)
        {
            return Error.Field("reports", Count);
        }

        if (request.Reports.Any(report => report is null)) // JSON's null, which the type does not allow
        {
            return Error.Field("reports", "This field is required.");
        }

        var (unknown, refusal) = await CheckCustomersAsync(request.Reports, http, database, customers, cancellationToken);
        if (refusal is not null)
        {
            return refusal.ToProblem();
        }

        var items = new List<BatchItem>(request.Reports.Count);
        foreach (var report in request.Reports)
        {
            var errors = await FieldErrors.FindAsync(http, report);
            if (report.Category.Trim().Length > 0)
            {
                errors.Add("category", await categories.ValidateAsync(report.Category, cancellationToken));
            }

            var answers = await questions.CheckAsync(report.Category, report.Answers, errors, cancellationToken);
            var now = time.GetUtcNow();
            errors.Add("captured_at", report.CapturedAt > now + Skew || report.CapturedAt < now - Oldest ? "Must be in the last 30 days." : null);
            errors.Add("on_behalf_of", unknown.GetValueOrDefault(report));
            items.Add(errors.ToProblem() is { } invalid
                ? new BatchItem(
                    report.ClientId,
                    BatchOutcome.Invalid,
                    Errors: invalid.ProblemDetails.Errors.ToDictionary(field => field.Key, field => field.Value.Select(Localized.Text).ToArray()))
                : await FileOneAsync(report, answers, http.User.UserId, options.Value, rules, questions, now, database, writer, cancellationToken));
            if (items[^1].Outcome is BatchOutcome.Created)
            {
                metrics.Created(report.Category);
            }
            else if (items[^1].Outcome is BatchOutcome.OverQuota)
            {
                metrics.OverQuota();
            }
        }

        return await work.CommitAsync(TypedResults.Ok(new BatchResponse(items)), cancellationToken);
    }

    /// <summary>Before anything is filed: without the right to file for customers, or without an answer of Auth, nothing is.</summary>
    /// <returns>Why reports cannot be filed for their customers; or the error of the whole batch.</returns>
    private static async Task<(Dictionary<OfflineReport, string> Unknown, Error? Refusal)> CheckCustomersAsync(
        IReadOnlyList<OfflineReport> reports, HttpContext http, ReportingDbContext database, CustomerAccounts customers, CancellationToken cancellationToken)
    {
        var unknown = new Dictionary<OfflineReport, string>(ReferenceEqualityComparer.Instance);
        var clientIds = reports.Where(report => report.OnBehalfOf is not null).Select(report => report.ClientId).ToArray();
        if (clientIds.Length == 0)
        {
            return (unknown, null);
        }

        // What was filed before stays filed, also if the person has taken the account over since.
        var user = http.User.UserId;
        var filed = await database.ClientReports.Where(row => row.UserId == user && clientIds.Contains(row.ClientId)).Select(row => row.ClientId).ToListAsync(cancellationToken);
        foreach (var customer in reports.Where(report => report.OnBehalfOf is not null && !filed.Contains(report.ClientId)).GroupBy(report => report.OnBehalfOf.GetValueOrDefault()))
        {
            if (await customers.ErrorForAsync(customer.Key, http, cancellationToken) is { } error)
            {
                if (error.Status != StatusCodes.Status422UnprocessableEntity)
                {
                    return (unknown, error);
                }

                foreach (var report in customer)
                {
                    unknown[report] = error.Detail;
                }
            }
        }

        return (unknown, null);
    }

    /// <summary>One transaction a report: a batch that is interrupted has filed its first reports, and is sent again.</summary>
    private static async Task<BatchItem> FileOneAsync(
        OfflineReport offline, IReadOnlyDictionary<string, JsonElement> answers, Guid userId, ReportingOptions options, ReportRules rules, IReportAnswers questions, DateTimeOffset now, ReportingDbContext database,
        ReportWriter writer, CancellationToken cancellationToken)
    {
        var request = new CreateReportRequest(
            offline.Title, offline.Description, offline.Category, offline.Latitude, offline.Longitude, offline.Address, offline.Anonymous, offline.Private,
            OnBehalfOf: offline.OnBehalfOf);
        var filed = request.ToNewReport(userId) with { CapturedAt = offline.CapturedAt.ToUniversalTime() };
        var report = Report.Create(filed, await rules.TermsAsync(filed, now, cancellationToken), now);

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // Waits for another request that files the same one.
        var isNew = await database.Database.ExecuteSqlAsync(
            $"INSERT INTO client_reports (user_id, client_id, report_id, captured_at) VALUES ({userId}, {offline.ClientId}, {report.Id}, {offline.CapturedAt.ToUniversalTime()}) ON CONFLICT DO NOTHING",
            cancellationToken) == 1;
        if (!isNew)
        {
            var known = await database.ClientReports.Where(row => row.UserId == userId && row.ClientId == offline.ClientId).Select(row => row.ReportId).SingleAsync(cancellationToken);
            return new BatchItem(offline.ClientId, BatchOutcome.Exists, known);
        }

        if (!await writer.TryInsertAsync(database, report, Allowance.Of(filed, options), cancellationToken))
        {
            return new BatchItem(offline.ClientId, BatchOutcome.OverQuota);
        }

        await questions.AddAsync(database, report, answers, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new BatchItem(offline.ClientId, BatchOutcome.Created, report.Id);
    }
}
