using System.Collections.Concurrent;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using NodaTime;

namespace Kashif.Gamification.Rules;

/// <summary>Reads the rules, and caches the lines of versions that were activated: they do not change.</summary>
internal sealed class RulebookReader(IOptions<PointsOptions> options)
{
    private readonly DateTimeZone _zone = DateTimeZoneProviders.Tzdb[options.Value.TimeZone];
    private readonly ConcurrentDictionary<int, RuleVersion> _versions = [];

    /// <summary>All versions that are or were active. Exact under the lock of the awards, which an activation takes.</summary>
    public async Task<Rulebook> ReadAsync(GamificationDbContext database, CancellationToken cancellationToken)
    {
        var numbers = await database.RuleVersions.Where(version => version.ActivatedAt != null)
            .OrderBy(version => version.ActivatedAt).Select(version => version.Version).ToListAsync(cancellationToken);
        var unknown = numbers.FindAll(number => !_versions.ContainsKey(number));
        if (unknown.Count > 0)
        {
            foreach (var version in await database.RuleVersions.AsNoTracking().Include(version => version.Lines.OrderBy(line => line.Number))
                .Where(version => unknown.Contains(version.Version)).ToListAsync(cancellationToken))
            {
                _versions[version.Version] = version;
            }
        }

        return await BookAsync(numbers.ConvertAll(number => _versions[number]), database, cancellationToken);
    }

    /// <summary>A rulebook of one version, also of a draft.</summary>
    public Task<Rulebook> ReadAsync(RuleVersion version, GamificationDbContext database, CancellationToken cancellationToken) =>
        BookAsync([version], database, cancellationToken);

    private async Task<Rulebook> BookAsync(List<RuleVersion> versions, GamificationDbContext database, CancellationToken cancellationToken) =>
        new(versions, await database.Areas.AsNoTracking().ToListAsync(cancellationToken), _zone);
}
