using System.Text.Json;
using Kashif.Http;
using Kashif.Reporting.Calendars;
using Kashif.Reporting.Data;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Visits;
using Kashif.Reporting.Workforce;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting;

/// <param name="StatusChanges">The user's changes to own and other reports.</param>
/// <param name="FormerTexts">The texts of the user's reports before edits by staff.</param>
/// <param name="OfflineReports">The apps' own ids of reports that were made offline.</param>
/// <param name="AreaFollows">The areas whose reports the user is told of.</param>
/// <param name="Photos">The photos that the user has uploaded.</param>
/// <param name="Answers">The answers to the questions of the reports' categories.</param>
/// <param name="Employee">The user's entry in the register of employees.</param>
/// <param name="Notes">The internal notes that the user has written as one of the staff; no notes about the user's reports.</param>
/// <param name="Actions">What the audit trail has of the user.</param>
/// <param name="Visits">The appointments of the user's reports.</param>
/// <param name="Calendars">The user's calendar addresses, without their secrets.</param>
/// <param name="Surveys">What the user was asked about own reports, and answered.</param>
internal sealed record UserReports(
    IAsyncEnumerable<ReportResponse> Reports,
    IAsyncEnumerable<ExportedStatusChange> StatusChanges,
    IAsyncEnumerable<ExportedFormerText> FormerTexts,
    IAsyncEnumerable<ExportedOfflineReport> OfflineReports,
    IAsyncEnumerable<ExportedComment> Comments,
    IAsyncEnumerable<ExportedVote> Votes,
    IAsyncEnumerable<ExportedFollow> Follows,
    IAsyncEnumerable<ExportedAreaFollow> AreaFollows,
    IAsyncEnumerable<ExportedPhoto> Photos,
    IAsyncEnumerable<ExportedAnswer> Answers,
    IAsyncEnumerable<EmployeeResponse> Employee,
    IAsyncEnumerable<ExportedNote> Notes,
    IAsyncEnumerable<ExportedAction> Actions,
    IAsyncEnumerable<ExportedVisit> Visits,
    IAsyncEnumerable<ExportedCalendar> Calendars,
    IAsyncEnumerable<ExportedSurvey> Surveys);

internal sealed record ExportedStatusChange(Guid ReportId, ReportStatus From, ReportStatus To, string? Comment, DateTimeOffset At, ChangeKind Kind, IReadOnlyList<string>? Fields);

internal sealed record ExportedFormerText(Guid ReportId, DateTimeOffset EditedAt, string? Title, string? Description);

internal sealed record ExportedOfflineReport(string ClientId, Guid ReportId, DateTimeOffset CapturedAt);

internal sealed record ExportedComment(Guid Id, Guid ReportId, string Text, DateTimeOffset CreatedAt, DateTimeOffset? EditedAt, string? HiddenReason);

internal sealed record ExportedVote(Guid ReportId, DateTimeOffset At);

internal sealed record ExportedFollow(Guid ReportId, DateTimeOffset At);

internal sealed record ExportedAreaFollow(Guid AreaId, DateTimeOffset At);

internal sealed record ExportedAnswer(Guid ReportId, string Question, JsonElement Value);

internal sealed record ExportedNote(Guid Id, Guid ReportId, string Text, DateTimeOffset CreatedAt, DateTimeOffset? EditedAt);

internal sealed record ExportedAction(DateTimeOffset At, string Action, string Kind, Guid SubjectId);

internal sealed record ExportedSurvey(Guid ReportId, Guid SurveyId, DateTimeOffset AskedAt, DateTimeOffset? AnsweredAt, IReadOnlyList<SurveyAnswer>? Answers);

internal static class ReportExport
{
    public static void MapReportExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(Export);

    private static Ok<UserReports> Export(Guid id, ReportingDbContext database) => TypedResults.Ok(new UserReports(
        database.Reports.AsNoTracking().Where(report => report.UserId == id).OrderBy(report => report.Id).AsAsyncEnumerable().Select(report => ReportResponse.From(report, View.Full)),
        database.StatusChanges.AsNoTracking().Where(change => change.ChangedBy == id).OrderBy(change => change.At).ThenBy(change => change.ReportId)
            .AsAsyncEnumerable().Select(change => new ExportedStatusChange(change.ReportId, change.From, change.To, change.Comment, change.At, change.Kind, change.Fields)),
        database.StatusChanges.FromSql($"""
            SELECT * FROM status_changes WHERE report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {id})) AND (former_title IS NOT NULL OR former_description IS NOT NULL)
            """).AsNoTracking().OrderBy(change => change.ReportId).ThenBy(change => change.Version)
            .AsAsyncEnumerable().Select(change => new ExportedFormerText(change.ReportId, change.At, change.FormerTitle, change.FormerDescription)),
        database.ClientReports.AsNoTracking().Where(report => report.UserId == id).OrderBy(report => report.ClientId)
            .AsAsyncEnumerable().Select(report => new ExportedOfflineReport(report.ClientId, report.ReportId, report.CapturedAt)),
        database.Comments.AsNoTracking().Where(comment => comment.UserId == id).OrderBy(comment => comment.Id)
            .AsAsyncEnumerable().Select(row => new ExportedComment(row.Id, row.ReportId, row.Text, row.CreatedAt, row.EditedAt, row.HiddenReason)),
        database.Votes.AsNoTracking().Where(vote => vote.UserId == id).OrderBy(vote => vote.At).AsAsyncEnumerable().Select(row => new ExportedVote(row.ReportId, row.At)),
        database.Follows.AsNoTracking().Where(follow => follow.UserId == id).OrderBy(follow => follow.At).AsAsyncEnumerable().Select(row => new ExportedFollow(row.ReportId, row.At)),
        database.AreaFollows.AsNoTracking().Where(follow => follow.UserId == id).OrderBy(follow => follow.At).AsAsyncEnumerable().Select(row => new ExportedAreaFollow(row.AreaId, row.At)),
        database.Photos.AsNoTracking().Where(photo => photo.UserId == id && photo.State == PhotoState.Attached).OrderBy(photo => photo.Id)
            .AsAsyncEnumerable().Select(ExportedPhoto.From),
        database.ReportAnswers.FromSql($"SELECT * FROM report_answers WHERE report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {id}))").AsNoTracking()
            .OrderBy(answer => answer.ReportId).ThenBy(answer => answer.Question).AsAsyncEnumerable().Select(row => new ExportedAnswer(row.ReportId, row.Question, row.Value)),
        database.Employees.AsNoTracking().Where(employee => employee.UserId == id).AsAsyncEnumerable().Select(EmployeeResponse.Of),
        database.Notes.AsNoTracking().Where(note => note.UserId == id).OrderBy(note => note.Id)
            .AsAsyncEnumerable().Select(row => new ExportedNote(row.Id, row.ReportId, row.Text, row.CreatedAt, row.EditedAt)),
        database.AuditEntries.AsNoTracking().Where(entry => entry.ActorId == id).OrderBy(entry => entry.Id)
            .AsAsyncEnumerable().Select(row => new ExportedAction(row.At, row.Action, row.Kind, row.SubjectId)),
        ExportedVisit.Of(database, id),
        ExportedCalendar.Of(database, id),
        database.SurveyRequests.AsNoTracking().Where(asked => asked.UserId == id).OrderBy(asked => asked.ReportId).AsAsyncEnumerable().Select(
            row => new ExportedSurvey(row.ReportId, row.SurveyId, row.AskedAt, row.AnsweredAt, row.Answers?.Deserialize(ReportingJson.Default.SurveyAnswerArray)))));
}
