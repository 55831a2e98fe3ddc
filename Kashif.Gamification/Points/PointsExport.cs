using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Profiles;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Points;

internal sealed record UserPoints(
    long Points, long Earned, long Spent, ExportedProfile? Profile, IReadOnlyList<UnlockedResponse> Achievements, IAsyncEnumerable<TransactionResponse> Transactions);

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
            await ExportedProfile.FindAsync(database, id, cancellationToken),
            await UnlockedResponse.ListAsync(database, id, cancellationToken),
            database.Transactions.AsNoTracking().Where(entry => entry.UserId == id).OrderBy(entry => entry.Id).AsAsyncEnumerable().Select(TransactionResponse.Of)));
    }
}
