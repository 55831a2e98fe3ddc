using System.ComponentModel.DataAnnotations;
using Kashif.Coupons.Data;
using Kashif.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Coupons.Catalog;

public sealed record CategoryRequest(
    [Required, StringLength(Category.NameLength)] string Name,
    [StringLength(Category.DescriptionLength)] string Description = "");

internal sealed record CategoryResponse(int Id, string Name, string Description);

internal static class CategoryEndpoints
{
    public static async Task<Results<Ok<Page<CategoryResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, CouponsDbContext database, CancellationToken cancellationToken)
    {
        var after = 0;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.Categories.Where(category => category.Id > after).OrderBy(category => category.Id)
            .Take(page.Size + 1)
            .Select(category => new CategoryResponse(category.Id, category.Name, category.Description))
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.Id)));
    }

    public static async Task<Results<Created<CategoryResponse>, ProblemHttpResult>> CreateAsync(
        CategoryRequest request, CouponsDbContext database, Idempotency idempotency, HttpContext http, CancellationToken cancellationToken)
    {
        var category = new Category { Name = request.Name.Trim(), Description = request.Description };
        var created = await database.TryCreateAsync(
            category,
            CatalogEndpoints.Path + "/categories",
            row => new CategoryResponse(row.Id, row.Name, row.Description),
            idempotency, http, cancellationToken);
        return created is null ? Error.Conflict("name_taken", "There is a category of this name already.").ToProblem() : created;
    }
}
