using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Lists;

/// <summary>A page of a list of reports.</summary>
/// <param name="Items">The reports of this page; empty if there are none.</param>
/// <param name="NextCursor" example="MDE5OGYwYTAtMTExMS03MDAwLTgwMDAtMDAwMDAwMDAwMDAx">The <c>cursor</c> of the next page; null on the last page.</param>
/// <param name="Total" example="128">With <c>total=true</c>: how many reports the whole list has, if they are at most 10,000; else absent.</param>
/// <param name="TotalAtLeast" example="10000">With <c>total=true</c>: 10,000 if the list has more; else absent.</param>
internal sealed record ReportPage(
    IReadOnlyList<ReportResponse> Items,
    string? NextCursor,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Total,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? TotalAtLeast);

internal static class ListReports
{
    public static async Task<Results<Ok<ReportPage>, ValidationProblem>> HandleAsync(
        [AsParameters] ReportQuery query, [AsParameters] PageRequest page, HttpContext http, ReportLists lists, ReportingDbContext database,
        CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query, page);
        query.Validate(errors, out var filter, out var box, out var order);
        foreach (var category in filter.Categories)
        {
            if (await categories.ValidateFilterAsync(category, cancellationToken) is { } error)
            {
                errors.Add("category", error);
                break;
            }
        }

        var point = query is { Latitude: { } latitude, Longitude: { } longitude } ? new Place(latitude, longitude) : (Place?)null;
        var search = new ReportSearch(filter, page.Size, point, query.RadiusKm, box);
        var (before, after) = (Guid.Empty, (Key: 0.0, Id: Guid.Empty));
        if (page.Cursor is { } cursor && !(order switch
        {
            ReportOrder.Nearest => Cursor.TryDecode(cursor, out after.Key, out after.Id) && after.Key >= 0 && after.Key <= (query.RadiusKm ?? Circle.MaxRadiusKm) * 1000,
            ReportOrder.Relevance => Cursor.TryDecode(cursor, out after.Key, out after.Id) && double.IsFinite(after.Key),
            _ => Cursor.TryDecode(cursor, out before),
        }))
        {
            errors.Add("cursor", Cursor.Invalid);
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var rows = order switch
        {
            ReportOrder.Nearest => await lists.NearestAsync(search, page.Cursor is null ? null : after, cancellationToken),
            ReportOrder.Relevance => await lists.MostRelevantAsync(search, page.Cursor is null ? null : after, cancellationToken),
            _ => await lists.NewestAsync(search, page.Cursor is null ? null : before, cancellationToken),
        };
        var items = Page.Of(rows, page.Size, row => row.Report, row => order is ReportOrder.Newest ? Cursor.Encode(row.Report.Id) : Cursor.Encode(row.Key, row.Report.Id));
        var total = query.Total is true ? await lists.CountAsync(search, cancellationToken) : (int?)null;
        await database.Database.CloseConnectionAsync(); // a slow client must not hold it
        return TypedResults.Ok(new ReportPage(
            items.Items, items.NextCursor, total <= ReportLists.Counted ? total : null, total > ReportLists.Counted ? ReportLists.Counted : null));
    }

    public static async Task<Results<Ok<Page<ReportResponse>>, ValidationProblem>> HandleMineAsync(
        HttpContext http, [AsParameters] PageRequest page, ReportLists lists, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var search = new ReportSearch(new ReportFilter { UserId = http.User.UserId }, page.Size);
        var rows = await lists.NewestAsync(search, page.Cursor is null ? null : before, cancellationToken);
        await database.Database.CloseConnectionAsync(); // a slow client must not hold it
        return TypedResults.Ok(Page.Of(rows, page.Size, row => row.Report, row => Cursor.Encode(row.Report.Id)));
    }
}
