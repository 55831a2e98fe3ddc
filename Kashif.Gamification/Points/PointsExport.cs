using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Quests;
using Kashif.Gamification.Profiles;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

/// <param name="TrustScore">Null where the city has not decided on a report of the user yet.</param>
internal sealed record UserPoints(
    long Points, long Earned, long Spent, long Expired, long Reversed, long Owed, ExportedProfile? Profile, IReadOnlyList<UnlockedResponse> Achievements, int? TrustScore,
    IAsyncEnumerable<ExportedQuest> Quests, IAsyncEnumerable<LedgerEntryResponse> Transactions);

internal sealed record ExportedQuest(string Title, ParticipationStatus Status, int RewardPoints, DateTimeOffset JoinedAt, DateTimeOffset ChangedAt);

internal static class PointsExport
{
    public static void MapPointsExport(this IEndpointRouteBuilder endpoints) => endpoints.MapUserExport(ExportAsync);

    private static async Task<Ok<UserPoints>> ExportAsync(Guid id, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var balance = await database.Balances.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == id, cancellationToken) ?? new Balance { UserId = id };
        return TypedResults.Ok(new UserPoints(
            balance.Points,
            balance.Earned,
            balance.Spent,
            balance.Expired,
            balance.Reversed,
            balance.Owed,
            await ExportedProfile.FindAsync(database, id, cancellationToken),
            await UnlockedResponse.ListAsync(database, id, cancellationToken),
            await database.TrustScores.Where(score => score.UserId == id).Select(score => (int?)score.Score).SingleOrDefaultAsync(cancellationToken),
            database.Participations.Where(row => row.UserId == id).OrderBy(row => row.Id)
                .Join(database.Quests, row => row.QuestId, quest => quest.Id, (row, quest) => new { quest.TitleEn, row.Status, row.Reward, row.JoinedAt, row.ChangedAt })
                .AsAsyncEnumerable().Select(row => new ExportedQuest(row.TitleEn, row.Status, row.Reward, row.JoinedAt, row.ChangedAt)),
            database.Transactions.AsNoTracking().Where(entry => entry.UserId == id).OrderBy(entry => entry.Id).AsAsyncEnumerable().Select(LedgerEntryResponse.Of)));
    }
}
