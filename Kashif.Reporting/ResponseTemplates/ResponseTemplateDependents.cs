using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.ResponseTemplates;

/// <summary>Response templates hang on agencies.</summary>
internal sealed class ResponseTemplateDependents(ReportingDbContext database) : IHangsOn
{
    public async Task<IReadOnlyList<Dependent>> FindAsync(Registered register, Guid id, int most, CancellationToken cancellationToken) =>
        register is not Registered.Agency ? [] : await database.ResponseTemplates.Where(row => row.AgencyId == id).OrderBy(row => row.Id).Take(most)
            .Select(row => new Dependent("response_template", row.Id)).ToListAsync(cancellationToken);
}
