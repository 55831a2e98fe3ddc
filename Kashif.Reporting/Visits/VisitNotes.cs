using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Visits;

/// <summary>What staff note for the crew of a visit, such as where the key of the house is.</summary>
internal static class VisitNotes
{
    /// <summary>Erases the notes of the visits of a user's reports, and the stored answers that may contain them.</summary>
    public static async Task EraseAsync(ReportingDbContext database, Guid userId, CancellationToken cancellationToken)
    {
        await database.Database.ExecuteSqlAsync(
            $"UPDATE visits SET note = NULL WHERE note IS NOT NULL AND report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {userId}))", cancellationToken);
        var visits = await database.Database.SqlQuery<Guid>(
            $"""SELECT id AS "Value" FROM visits WHERE report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {userId}))""").ToListAsync(cancellationToken);
        foreach (var visit in visits)
        {
            await ForgetAnswersAsync(database, visit, cancellationToken);
        }
    }

    /// <summary>Deletes the answers that staff got about a visit, with its note, and that are stored for their idempotency keys.</summary>
    public static Task<int> ForgetAnswersAsync(ReportingDbContext database, Guid visit, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync($"""
            DELETE FROM idempotency_keys WHERE user_id = ANY (ARRAY(SELECT actor_id FROM audit_entries WHERE subject_id = {visit}))
                AND position(convert_to({visit.ToString()}, 'UTF8') IN body) > 0
            """, cancellationToken);
}
