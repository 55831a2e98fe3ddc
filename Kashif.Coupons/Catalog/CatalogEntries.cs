using Kashif.Coupons.Data;
using Kashif.Http;
using Kashif.Messaging;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Catalog;

/// <summary>A company or a category: its name is unique.</summary>
internal interface ICatalogEntry
{
    int Id { get; }
}

/// <summary>Lists and adds companies and categories.</summary>
internal static class CatalogEntries
{
    public static Error NameTaken { get; } = Error.Conflict("name_taken", "This name is already taken.");

    /// <summary>A page of entries, oldest first.</summary>
    public static async Task<Results<Ok<Page<TResponse>>, ValidationProblem>> ListAsync<TEntry, TResponse>(
        this IQueryable<TEntry> entries, PageRequest page, Func<TEntry, TResponse> response, CancellationToken cancellationToken)
        where TEntry : class, ICatalogEntry
    {
        var after = 0;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await entries.AsNoTracking().Where(entry => entry.Id > after).OrderBy(entry => entry.Id)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, response, last => Cursor.Encode(last.Id)));
    }

    /// <summary>Inserts the entry and stores the response, which contains the generated id, in one transaction.</summary>
    public static async Task<Results<Created<TResponse>, ProblemHttpResult>> CreateAsync<TEntry, TResponse>(
        this CouponsDbContext database, TEntry entry, string location, Func<TEntry, TResponse> response,
        UnitOfWork work, CancellationToken cancellationToken)
        where TEntry : class, ICatalogEntry
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Add(entry);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return NameTaken.ToProblem();
        }

        return await work.CommitAsync(TypedResults.Created(location, response(entry)), cancellationToken);
    }
}
