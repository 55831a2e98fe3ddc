using Kashif.Cache;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Questions;

/// <summary>Caches the questions as long as the categories, because creating and reading a report look them up.</summary>
internal sealed class QuestionCache(IServiceScopeFactory scopes, TimeProvider time)
{
    private readonly SnapshotCache<ILookup<string, Question>> _questions = new(scopes, time, CategoryCache.Lifetime, async (services, cancellationToken) =>
        (await services.GetRequiredService<ReportingDbContext>().Questions.AsNoTracking()
            .OrderBy(question => question.Position).ThenBy(question => question.Code).ToListAsync(cancellationToken)).ToLookup(question => question.Category));

    /// <summary>All questions of a category in their order, inactive ones included; empty for none.</summary>
    public async ValueTask<IReadOnlyList<Question>> OfAsync(string category, CancellationToken cancellationToken) =>
        [.. (await _questions.GetAsync(cancellationToken))[category]];

    /// <inheritdoc cref="SnapshotCache{TSnapshot}.Forget"/>
    public void Forget() => _questions.Forget();
}
