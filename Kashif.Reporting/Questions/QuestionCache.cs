using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Questions;

/// <summary>Caches the questions as long as the categories, because creating and reading a report look them up.</summary>
internal sealed class QuestionCache(IServiceScopeFactory scopes, TimeProvider time)
{
    private Snapshot? _snapshot;

    /// <summary>All questions of a category in their order, inactive ones included; empty for none.</summary>
    public async ValueTask<IReadOnlyList<Question>> OfAsync(string category, CancellationToken cancellationToken) =>
        [.. (await GetAsync(cancellationToken)).Questions[category]];

    /// <summary>Lets the next request read the questions again, so that a change is seen at once on this replica.</summary>
    public void Forget() => _snapshot = null;

    private async ValueTask<Snapshot> GetAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_snapshot is { } current && now < current.Expires)
        {
            return current;
        }

        // No lock: concurrent requests may each read the rows, and the last snapshot wins.
        await using var scope = scopes.CreateAsyncScope();
        var questions = await scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Questions.AsNoTracking()
            .OrderBy(question => question.Position).ThenBy(question => question.Code).ToListAsync(cancellationToken);
        return _snapshot = new Snapshot(questions.ToLookup(question => question.Category), now + CategoryCache.Lifetime);
    }

    private sealed record Snapshot(ILookup<string, Question> Questions, DateTimeOffset Expires);
}
