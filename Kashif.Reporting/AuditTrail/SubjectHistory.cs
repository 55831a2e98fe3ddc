using System.Text.Json;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.AuditTrail;

/// <summary>An entry of the audit trail about one subject, such as a work order.</summary>
/// <param name="Id">The entry's id.</param>
/// <param name="At">When it was done.</param>
/// <param name="ActorId">Who did it; the empty id where the person has deleted their account.</param>
/// <param name="Action" example="changed">What was done.</param>
/// <param name="Kind" example="work_order">What it was done to.</param>
/// <param name="SubjectId">Its id.</param>
/// <param name="Values" example='{"state": "scheduled"}'>The new values; null if there are none.</param>
internal sealed record SubjectEntry(Guid Id, DateTimeOffset At, Guid ActorId, string Action, string Kind, Guid SubjectId, JsonElement? Values);

internal static class SubjectHistory
{
    /// <returns>The entries of the subjects after an id, oldest first. The caller checks whether the user may read them.</returns>
    public static Task<List<SubjectEntry>> EntriesOfAsync(
        this ReportingDbContext database, Guid[] subjects, Guid after, int count, CancellationToken cancellationToken) =>
        database.AuditEntries.AsNoTracking().Where(entry => subjects.Contains(entry.SubjectId) && entry.Id > after)
            .OrderBy(entry => entry.Id).Take(count)
            .Select(entry => new SubjectEntry(entry.Id, entry.At, entry.ActorId, entry.Action, entry.Kind, entry.SubjectId, entry.Values))
            .ToListAsync(cancellationToken);
}
