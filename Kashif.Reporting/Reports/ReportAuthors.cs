using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Reports;

/// <summary>What other features may ask of the authors of reports.</summary>
internal static class ReportAuthors
{
    /// <summary>
    /// Takes the author off their reports. A new version, because a concurrent change has read the old author, with its entry in the history, which the
    /// public does not see. The time of the last change stays: the same time would tell which reports were one person's. One statement: a user may have thousands.
    /// </summary>
    public static async Task EraseAsync(ReportingDbContext database, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // What staff took out of the texts may be about the person.
        await database.Database.ExecuteSqlAsync($"""
            UPDATE status_changes SET former_title = NULL, former_description = NULL
            WHERE (former_title IS NOT NULL OR former_description IS NOT NULL) AND report_id = ANY (ARRAY(SELECT id FROM reports WHERE user_id = {userId}))
            """, cancellationToken);

        string[] fields = [StatusChange.ReporterField];
        await database.Database.ExecuteSqlAsync($"""
            WITH erased AS (
                UPDATE reports SET user_id = {ErasedUser.Id}, version = version + 1
                WHERE user_id = {userId} RETURNING id, version, status, updated_at
            )
            INSERT INTO status_changes (report_id, version, kind, "from", "to", fields, is_public, changed_by, at)
            SELECT id, version, 'edited', status, status, {fields}, false, {ErasedUser.Id}, greatest({now}, updated_at + interval '1 microsecond') FROM erased
            """, cancellationToken);
    }
}
