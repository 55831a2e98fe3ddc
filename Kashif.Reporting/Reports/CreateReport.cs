using System.Text.Json;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Reports;

/// <summary>A new report.</summary>
/// <param name="Title" example="Deep pothole">A short title. Leading and trailing white space is removed.</param>
/// <param name="Description" example="In the right lane, about 20 cm deep.">What is broken.</param>
/// <param name="Category" example="pothole">The code of a category from <c>GET /categories</c>.</param>
/// <param name="Latitude" example="33.51">Degrees north, as in WGS 84.</param>
/// <param name="Longitude" example="36.29">Degrees east, as in WGS 84.</param>
/// <param name="Address" example="Straight Street, Damascus">The address in words; null if it is not known.</param>
/// <param name="Anonymous" example="false">True: the public does not learn who reported it. Staff do.</param>
/// <param name="Private" example="false">True: only the reporter and staff see it.</param>
/// <param name="Answers" example='{"size": "small"}'>The answers to the questions of the category (<c>GET /categories/{code}/questions</c>), by their codes.</param>
/// <param name="OnBehalfOf">For customer service: the id of the customer who reports by phone or at the counter, and whose report it becomes; null for an own report.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateReportRequest(
    [property: Title(Report.TitleMin, Report.TitleMax)] string Title,
    [property: Text(0, Report.DescriptionMax)] string Description,
    [property: Text(1, Categories.Category.CodeMax)] string Category,
    [property: Between(-90.0, 90.0)] double Latitude,
    [property: Between(-180.0, 180.0)] double Longitude,
    [property: Text(0, Report.AddressMax)] string? Address = null,
    bool Anonymous = false,
    bool Private = false,
    IReadOnlyDictionary<string, JsonElement>? Answers = null,
    Guid? OnBehalfOf = null)
{
    /// <summary>Trims the texts. Validate first.</summary>
    internal NewReport ToNewReport(Guid userId) => new(
        OnBehalfOf ?? userId, Title.Trim(), Description.Trim(), Category, Latitude, Longitude, Address?.Trim() is { Length: > 0 } address ? address : null, Anonymous, Private,
        OnBehalfOf is null ? null : userId);
}

internal static class CreateReport
{
    public static async Task<Results<Created<ReportResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        CreateReportRequest request,
        HttpContext http,
        ReportingDbContext database,
        ReportWriter writer,
        CategoryCache categories,
        ReportRules rules,
        CustomerAccounts customers,
        IOptions<ReportingOptions> options,
        IReportAnswers questions,
        UnitOfWork work,
        ReportingMetrics metrics,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        if (request.Category.Trim().Length > 0)
        {
            errors.Add("category", await categories.ValidateAsync(request.Category, cancellationToken));
        }

        var answers = await questions.CheckAsync(request.Category, request.Answers, errors, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (request.OnBehalfOf is { } customer && await customers.ErrorForAsync(customer, http, cancellationToken) is { } refused)
        {
            return refused.ToProblem();
        }

        var (filed, now) = (request.ToNewReport(http.User.UserId), time.GetUtcNow());
        var report = Report.Create(filed, await rules.TermsAsync(filed, now, cancellationToken), now);

        await using var transaction = answers.Count > 0 ? await work.BeginAsync(cancellationToken) : await work.BeginStatementAsync(cancellationToken);
        var allowance = Allowance.Of(filed, options.Value);
        if (!await writer.TryInsertAsync(database, report, allowance, cancellationToken))
        {
            http.Response.Headers.RetryAfter = await writer.RetryAfterAsync(database, allowance.HolderId, report.CreatedAt, cancellationToken);
            metrics.OverQuota();
            return Error.TooMany("report_quota_exceeded", "You have reached the hourly limit of reports.").ToProblem();
        }

        await questions.AddAsync(database, report, answers, cancellationToken);
        var response = ReportResponse.From(report, View.Full) with { Answers = answers.Count > 0 ? answers : null };
        var created = await work.CommitAsync(TypedResults.Created($"/api/v1/reports/{report.Id}", response), cancellationToken);
        metrics.Created(report.Category);
        http.Response.Headers.ETag = ReportETag.Of(report, answers.Count > 0 || View.Full.IsPersonal(report)).ToString();
        return created;
    }
}
