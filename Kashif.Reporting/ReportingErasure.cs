using Kashif.Messaging.Erasure;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Calendars;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Data;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Visits;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Workforce;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting;

/// <summary>
/// Keeps a deleted user's reports and their history, because they are about the city, without the user's id. Their comments, votes, follows and calendar
/// addresses are deleted; of answers to surveys the counts stay.
/// </summary>
internal sealed class ReportingErasure(ReportingDbContext database, ServiceIdentity service, TimeProvider time) : UserErasure(database, service, time)
{
    private readonly ReportingDbContext _database = database;
    private readonly TimeProvider _time = time;

    /// <summary>
    /// Accounts before employees, like the event of a lost role; employees, crews and passes of routing before reports, like an assignment, a visit and a pass; reports in
    /// one order, like a merge.
    /// </summary>
    protected override async Task LockAsync(Guid[] userIds, CancellationToken cancellationToken)
    {
        await _database.Database.ExecuteSqlAsync($"SELECT FROM staff_accounts WHERE user_id = ANY ({userIds}) ORDER BY user_id FOR UPDATE", cancellationToken);
        await _database.LockEmployeesAsync(userIds, cancellationToken);
        await _database.Database.ExecuteSqlAsync($"SELECT FROM routing_changes WHERE changed_by = ANY ({userIds}) ORDER BY id FOR UPDATE", cancellationToken);
        await _database.Database.ExecuteSqlAsync($"""
            SELECT FROM reports WHERE id = ANY (ARRAY(
                SELECT id FROM reports WHERE user_id = ANY ({userIds}) OR assignee_id = ANY ({userIds}) OR filed_by = ANY ({userIds})
                UNION SELECT report_id FROM votes WHERE user_id = ANY ({userIds})
                UNION SELECT report_id FROM comments WHERE user_id = ANY ({userIds})))
            ORDER BY id FOR NO KEY UPDATE
            """, cancellationToken);
    }

    protected override async Task EraseAsync(Guid userId, CancellationToken cancellationToken)
    {
        await EmployeeWork.EraseAsync(_database, userId, _time.GetUtcNow(), cancellationToken);
        await ReportVotes.EraseAsync(_database, userId, cancellationToken);
        await ReportFollows.EraseAsync(_database, userId, cancellationToken);
        await AnswerSurvey.EraseAsync(_database, userId, cancellationToken);
        await ReportComments.EraseAsync(_database, userId, cancellationToken);
        await ReportAnswers.EraseAsync(_database, userId, cancellationToken);
        await UpdateQueries.EraseAsync(_database, userId, cancellationToken);

        // The answers that customer service got for the person's reports, and staff for their entry in the register.
        var id = userId.ToString();
        await _database.Database.ExecuteSqlAsync($"""
            DELETE FROM idempotency_keys WHERE user_id IN (
                    SELECT filed_by FROM reports WHERE user_id = {userId}
                    UNION SELECT actor_id FROM audit_entries WHERE subject_id = {userId} AND kind = {Employee.Kind})
                AND position(convert_to({id}, 'UTF8') IN body) > 0
            """, cancellationToken);

        await VisitNotes.EraseAsync(_database, userId, cancellationToken);
        await ReportAuthors.EraseAsync(_database, userId, _time.GetUtcNow(), cancellationToken);
        await _database.Reports.Where(report => report.FiledBy == userId).ExecuteUpdateAsync(set => set.SetProperty(report => report.FiledBy, ErasedUser.Id), cancellationToken);
        await _database.RoutingChanges.Where(change => change.ChangedBy == userId).ExecuteUpdateAsync(set => set.SetProperty(change => change.ChangedBy, ErasedUser.Id), cancellationToken);
        await _database.Notes.Where(note => note.UserId == userId).ExecuteUpdateAsync(set => set.SetProperty(note => note.UserId, ErasedUser.Id), cancellationToken);
        await _database.EraseAuditAsync(userId, cancellationToken);
        await _database.StatusChanges.Where(change => change.ChangedBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(change => change.ChangedBy, ErasedUser.Id), cancellationToken);
        await _database.Photos.Where(photo => photo.UserId == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(photo => photo.UserId, ErasedUser.Id), cancellationToken);
        await _database.ReporterScores.Where(score => score.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await _database.ClientReports.Where(report => report.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await CalendarErasure.EraseAsync(_database, userId, cancellationToken);
        await _database.ReportQuotas.Where(quota => quota.UserId == userId).ExecuteDeleteAsync(cancellationToken);
    }
}
