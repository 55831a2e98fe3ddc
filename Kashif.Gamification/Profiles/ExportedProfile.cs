using Kashif.Gamification.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Profiles;

/// <summary>A user's profile in the export of their data.</summary>
internal sealed record ExportedProfile(
    string? DisplayName, NameStatus? NameStatus, string? NameReason, DateTimeOffset? NamedAt, DateTimeOffset? RenamedAt, bool Public, bool OnLeaderboard)
{
    public static Task<ExportedProfile?> FindAsync(GamificationDbContext database, Guid userId, CancellationToken cancellationToken) =>
        database.Profiles.Where(row => row.UserId == userId)
            .Select(row => new ExportedProfile(row.DisplayName, row.NameStatus, row.NameReason, row.NamedAt, row.RenamedAt, row.Public, row.OnLeaderboard))
            .SingleOrDefaultAsync(cancellationToken);
}
