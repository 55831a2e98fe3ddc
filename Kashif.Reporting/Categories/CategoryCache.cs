using Kashif.Http;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Categories;

/// <summary>The active categories, read again when they are older than <see cref="Lifetime"/>: every report that is filed asks for one.</summary>
internal sealed class CategoryCache(IServiceScopeFactory scopes, TimeProvider time)
{
    /// <summary>How long a change of the categories may take to reach every replica.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private Snapshot? _snapshot;

    /// <summary>What <c>GET /categories</c> answers.</summary>
    public async ValueTask<Page<CategoryResponse>> ListAsync(CancellationToken cancellationToken) => (await GetAsync(cancellationToken)).Page;

    public async ValueTask<bool> ContainsAsync(string code, CancellationToken cancellationToken) =>
        (await GetAsync(cancellationToken)).Codes.Contains(code);

    private async ValueTask<Snapshot> GetAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_snapshot is { } known && now < known.Expires)
        {
            return known;
        }

        // Requests that meet an old snapshot at once each read the dozen rows; the last one stays.
        await using var scope = scopes.CreateAsyncScope();
        var categories = await scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Categories
            .AsNoTracking()
            .Where(category => category.Active)
            .OrderBy(category => category.Position).ThenBy(category => category.Code)
            .Select(category => new CategoryResponse(
                category.Code, new CategoryNames(category.NameEn, category.NameAr), category.Icon, category.Colour))
            .ToListAsync(cancellationToken);
        return _snapshot = new Snapshot(
            new Page<CategoryResponse>(categories, null), categories.Select(category => category.Code).ToHashSet(), now + Lifetime);
    }

    private sealed record Snapshot(Page<CategoryResponse> Page, HashSet<string> Codes, DateTimeOffset Expires);
}
