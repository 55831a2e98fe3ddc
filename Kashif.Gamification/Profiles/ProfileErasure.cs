using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Profiles;

/// <summary>Deletes a user's profile and achievements.</summary>
internal static class ProfileErasure
{
    public static async Task EraseAsync(Guid userId, GamificationDbContext database, CancellationToken cancellationToken)
    {
        await database.Profiles.Where(profile => profile.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await database.Profiles.Where(profile => profile.ModeratedBy == userId)
            .ExecuteUpdateAsync(set => set.SetProperty(profile => profile.ModeratedBy, ErasedUser.Id), cancellationToken);
        await database.UnlockedAchievements.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
    }
}
