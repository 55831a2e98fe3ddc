using Kashif.Cache;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Categories;

/// <summary>Caches the categories for <see cref="Lifetime"/>, because creating a report looks one up.</summary>
internal sealed class CategoryCache(IServiceScopeFactory scopes, TimeProvider time)
{
    /// <summary>How long a change of categories may take to reach every replica.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    private readonly SnapshotCache<Snapshot> _categories = new(scopes, time, Lifetime, ReadAsync);

    /// <summary>The response of <c>GET /categories</c>.</summary>
    public async ValueTask<Page<CategoryResponse>> ListAsync(CancellationToken cancellationToken) => (await _categories.GetAsync(cancellationToken)).Page;

    /// <summary>The response of <c>GET /categories</c> with the inactive ones.</summary>
    public async ValueTask<Page<CategoryResponse>> ListAllAsync(CancellationToken cancellationToken) => (await _categories.GetAsync(cancellationToken)).All;

    /// <summary>Within which time a new report of the category is to be resolved; null for no service level.</summary>
    public async ValueTask<TimeSpan?> ServiceLevelAsync(string code, CancellationToken cancellationToken) =>
        (await _categories.GetAsync(cancellationToken)).Page.Items.FirstOrDefault(category => category.Code == code)?.ServiceLevel;

    /// <summary>Within how many metres of an open report of the category a new one may be its duplicate.</summary>
    public async ValueTask<int> DuplicateDistanceAsync(string code, CancellationToken cancellationToken) =>
        (await _categories.GetAsync(cancellationToken)).Page.Items.FirstOrDefault(category => category.Code == code)?.DuplicateDistanceM ?? Category.DuplicateDistance;

    /// <summary>Checks the category of a new report.</summary>
    /// <returns>Null if it exists and is active, else an error that names the active ones.</returns>
    public async ValueTask<string?> ValidateAsync(string code, CancellationToken cancellationToken)
    {
        var codes = (await _categories.GetAsync(cancellationToken)).Codes;
        return codes.Contains(code) ? null : Localized.Format($"Must be one of {string.Join(", ", codes)}.");
    }

    /// <summary>Checks the category of a filter: existing reports keep one that is not active any more.</summary>
    /// <inheritdoc cref="ValidateAsync" path="/returns"/>
    public async ValueTask<string?> ValidateFilterAsync(string code, CancellationToken cancellationToken)
    {
        if (await ValidateAsync(code, cancellationToken) is not { } error)
        {
            return null;
        }

        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Categories.AnyAsync(category => category.Code == code, cancellationToken)
            ? null
            : error;
    }

    /// <inheritdoc cref="SnapshotCache{TSnapshot}.Forget"/>
    public void Forget() => _categories.Forget();

    private static async Task<Snapshot> ReadAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var categories = await services.GetRequiredService<ReportingDbContext>().Categories
            .AsNoTracking()
            .OrderBy(category => category.Position).ThenBy(category => category.Code)
            .ToListAsync(cancellationToken);
        CategoryResponse[] all = [.. categories.Select(CategoryResponse.Of)];
        CategoryResponse[] active = [.. all.Where(category => category.Active)];
        return new Snapshot(new Page<CategoryResponse>(active, null), new Page<CategoryResponse>(all, null), [.. active.Select(category => category.Code)]);
    }

    private sealed record Snapshot(Page<CategoryResponse> Page, Page<CategoryResponse> All, string[] Codes);
}
