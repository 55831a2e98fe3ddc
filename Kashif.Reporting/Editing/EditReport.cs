using System.Security.Claims;
using System.Text.Json;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Editing;

/// <summary>An edit of a report. Fields that are left out do not change.</summary>
/// <param name="Title" example="Deep pothole">A short title. Leading and trailing white space is removed.</param>
/// <param name="Description" example="In the right lane, about 20 cm deep.">What is broken.</param>
/// <param name="Category" example="pothole">The code of a category from <c>GET /categories</c>.</param>
/// <param name="Anonymous" example="false">True: the public does not learn who reported it. Staff do.</param>
/// <param name="Private" example="false">True: only the reporter and staff see it.</param>
/// <param name="Hidden" example="false">For staff. True: only the reporter and staff see it, such as spam.</param>
/// <param name="Reason" example="The lamp is broken, not the road.">Why, for the history. Required to hide a report; the public does not see why one was hidden.</param>
/// <param name="Answers" example='{"size": "large"}'>Answers to questions of the category, by their codes: they replace those to the same questions, and null removes one.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record EditReportRequest(
    [property: Title(Report.TitleMin, Report.TitleMax)] string? Title = null,
    [property: Text(0, Report.DescriptionMax)] string? Description = null,
    [property: Text(1, Categories.Category.CodeMax)] string? Category = null,
    bool? Anonymous = null,
    bool? Private = null,
    bool? Hidden = null,
    [property: Text(0, StatusChange.CommentMax)] string? Reason = null,
    IReadOnlyDictionary<string, JsonElement>? Answers = null);

internal static class EditReport
{
    /// <summary>The owner's fields, while the report is submitted.</summary>
    private static readonly string[] OfOwner =
        [StatusChange.TitleField, StatusChange.DescriptionField, StatusChange.CategoryField, StatusChange.AnonymousField, StatusChange.PrivateField, StatusChange.AnswersField];

    private static readonly string[] OfStaff = [StatusChange.TitleField, StatusChange.DescriptionField, StatusChange.CategoryField, StatusChange.HiddenField];

    /// <param name="id">The report's id.</param>
    public static async Task<Results<Ok<ReportResponse>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        Guid id,
        EditReportRequest request,
        HttpContext http,
        ReportingDbContext database,
        CategoryCache categories,
        ReportRules rules,
        ReportAnswers questions,
        UnitOfWork work,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var report = await database.Reports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (report is null || http.User.ViewOf(report) is View.None)
        {
            return ReportErrors.NotFound.ToProblem();
        }

        var edit = new ReportEdit(
            request.Title?.Trim(), request.Description?.Trim(), request.Category?.Trim(), request.Anonymous, request.Private, request.Hidden, request.Answers is not null);
        var fields = edit.FieldsOf(report);
        if (Refusal(report, fields, http) is { } refusal)
        {
            return refusal.ToProblem();
        }

        var errors = await FieldErrors.FindAsync(http, request);
        if (fields.Contains(StatusChange.CategoryField) && edit.Category is { Length: > 0 } category)
        {
            errors.Add("category", await categories.ValidateAsync(category, cancellationToken));
        }

        var reason = request.Reason?.Trim() is { Length: > 0 } text ? text : null;
        errors.Add("reason", reason is null && request.Hidden is true && !report.Hidden ? "Required to hide a report." : null);
        var isOwner = http.User.UserId == report.UserId;
        var answers = await questions.EditAsync(
            database, report, edit.Category ?? report.Category, request.Answers, isComplete: isOwner || request.Answers is not null, errors, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (ReportErrors.IsStale(http, report))
        {
            return ReportErrors.Stale.ToProblem();
        }

        var terms = edit.Category is { } code ? await rules.TermsAsync(code, report.Latitude, report.Longitude, report.CreatedAt, cancellationToken) : null;
        var former = (report.AgencyId, report.AssigneeId);
        edit = edit with { Answers = answers.IsChange };
        fields = edit.FieldsOf(report);
        answers.Apply();
        await using var transaction = fields.Any(field => field is StatusChange.PrivateField or StatusChange.HiddenField)
            ? await database.LockWithDuplicatesAsync(id, work, cancellationToken)
            : null;
        if (report.Edit(edit, terms, reason, http.User.UserId, time.GetUtcNow()) is { } change)
        {
            database.AddToHistory(report, change, former.AgencyId, byStaff: !IsOfOwner(report, fields, http.User));
            database.Publish(
                new ReportUpdated(
                    report.Id, report.UserId, report.Title, report.Category, change.FormerCategory, report.Latitude, report.Longitude,
                    report.Private, report.Hidden, report.Anonymous, fields, change.ChangedBy, change.Version),
                change.At);
            if (report.AgencyId != former.AgencyId)
            {
                database.PublishRoute(report, former, change);
            }
        }

        try
        {
            if (transaction is not null)
            {
                await database.ShowOriginalAsync(report, cancellationToken);
            }

            await work.CommitAsync(TypedResults.Ok(), cancellationToken);
        }
        catch (DbUpdateException exception) when (ReportErrors.IsLostRace(exception))
        {
            return ReportErrors.LostRace(http).ToProblem();
        }

        return report.ToResult(http, await questions.ReadAsync(database, report, http.User.ViewOf(report), cancellationToken));
    }

    /// <summary>Whether any owner may make this edit. Other edits of their own reports are made by staff as staff, and are audited.</summary>
    private static bool IsOfOwner(Report report, string[] fields, ClaimsPrincipal user) =>
        user.UserId == report.UserId && report.Status is ReportStatus.Submitted && fields.All(OfOwner.Contains);

    /// <returns>Why the caller may not change these fields; null if they may.</returns>
    private static Error? Refusal(Report report, string[] fields, HttpContext http)
    {
        var user = http.User;
        var isOwner = user.UserId == report.UserId;
        if (user.IsModerator || IsOfOwner(report, fields, user))
        {
            return null;
        }

        var others = user.WorksOn(report) ? fields.Except(OfStaff).ToArray() : fields;
        if ((isOwner || user.WorksOn(report)) && others.Length == 0)
        {
            return null;
        }

        return isOwner && others.All(OfOwner.Contains)
            ? report.Status is ReportStatus.Submitted ? null : NotEditable
            : Error.Forbidden("forbidden", "Only its owner can edit a report, and staff can change its texts and its category and hide it.");
    }

    /// <summary>For the owner, once staff have begun with the report.</summary>
    public static Error NotEditable { get; } = Error.Rule("report_not_editable", "Its owner can edit and delete a report only while it is submitted.");
}
