using Kashif.Gamification.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Profiles;

/// <summary>The names that everyone may see.</summary>
internal sealed class DisplayNames(IOptions<ProfileOptions> options)
{
    /// <returns>The users' names; those without one are left out.</returns>
    public Task<Dictionary<Guid, string>> OfAsync(GamificationDbContext database, IReadOnlyCollection<Guid> users, CancellationToken cancellationToken) =>
        users.Count == 0
            ? Task.FromResult(new Dictionary<Guid, string>())
            : Shown(database).Where(profile => users.Contains(profile.UserId))
                .ToDictionaryAsync(profile => profile.UserId, profile => profile.DisplayName ?? "", cancellationToken);

    /// <returns>Whether everyone may see the profile's name.</returns>
    public bool IsShown(Profile profile) =>
        profile.NameStatus is NameStatus.Approved || (profile.NameStatus is NameStatus.Pending && !options.Value.ApproveNames);

    private IQueryable<Profile> Shown(GamificationDbContext database)
    {
        NameStatus?[] shown = options.Value.ApproveNames ? [NameStatus.Approved] : [NameStatus.Approved, NameStatus.Pending];
        return database.Profiles.AsNoTracking().Where(profile => shown.Contains(profile.NameStatus));
    }
}
