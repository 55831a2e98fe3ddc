using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Agencies;

/// <summary>Which areas name a category.</summary>
internal static class AreaCategories
{
    /// <returns>The ids of some of the areas whose agency is responsible for the category by name.</returns>
    public static Task<List<Guid>> UsingAsync(ReportingDbContext database, string category, int most, CancellationToken cancellationToken) =>
        database.Areas.Where(area => area.Categories.Contains(category)).OrderBy(area => area.Id).Select(area => area.Id).Take(most).ToListAsync(cancellationToken);
}
