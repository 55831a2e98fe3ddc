using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Rules;

internal static class RuleErasure
{
    /// <summary>Keeps the versions of a former administrator without the id.</summary>
    public static async Task EraseAsync(GamificationDbContext database, Guid userId, CancellationToken cancellationToken)
    {
        await database.RuleVersions.Where(version => version.CreatedBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(version => version.CreatedBy, ErasedUser.Id), cancellationToken);
        await database.RuleVersions.Where(version => version.ActivatedBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(version => version.ActivatedBy, ErasedUser.Id), cancellationToken);
    }
}
