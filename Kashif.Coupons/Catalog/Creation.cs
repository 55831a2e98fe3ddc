using Kashif.Coupons.Data;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Coupons.Catalog;

internal static class Creation
{
    /// <summary>Inserts the row, whose id the database gives, and stores the answer that names it, in one transaction.</summary>
    /// <returns>Null where its name is taken.</returns>
    public static async Task<Created<TResponse>?> TryCreateAsync<TEntity, TResponse>(
        this CouponsDbContext database, TEntity row, string location, Func<TEntity, TResponse> response,
        Idempotency idempotency, HttpContext http, CancellationToken cancellationToken)
        where TEntity : class
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        database.Add(row);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return null;
        }

        var created = await idempotency.SaveAsync(http, TypedResults.Created(location, response(row)), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return created;
    }
}
