using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Webhooks;

/// <summary>Webhooks hang on agencies.</summary>
internal sealed class WebhookDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken) =>
        register is not Registered.Agency ? [] : await database.Webhooks.Where(row => row.AgencyId == id).OrderBy(row => row.Id).Take(most)
            .Select(row => new Dependent(Webhook.Kind, row.Id)).ToListAsync(cancellationToken);
}
