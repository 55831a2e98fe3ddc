using System.Buffers.Text;
using System.ComponentModel;
using System.Globalization;
using System.Text;
using Kashif.Validation;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Http;

/// <summary>A page of a list.</summary>
/// <param name="Items">The items of this page; empty if there are none.</param>
/// <param name="NextCursor" example="MDE5OGYwYTAtMTExMS03MDAwLTgwMDAtMDAwMDAwMDAwMDAx">The <c>cursor</c> of the next page; null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>The paging parameters of all lists. Bind with <c>[AsParameters]</c>.</summary>
public sealed class PageRequest
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 100;

    /// <summary>The size of a page.</summary>
    [FromQuery(Name = "limit"), Between(1, MaxLimit), DefaultValue(DefaultLimit)]
    public int? Limit { get; set; }

    /// <summary>The <c>next_cursor</c> of the previous page. Opaque. Leave it out for the first page.</summary>
    /// <example>MDE5OGYwYTAtMTExMS03MDAwLTgwMDAtMDAwMDAwMDAwMDAx</example>
    [FromQuery(Name = "cursor"), Text(200)]
    public string? Cursor { get; set; }

    /// <summary>The maximum number of items on a page. Read one more row to know whether another page follows.</summary>
    public int Size => Limit ?? DefaultLimit;
}

/// <summary>Creates pages.</summary>
public static class Page
{
    /// <param name="rows">Up to <paramref name="size"/> + 1 rows. The extra row means that another page follows.</param>
    /// <param name="size">The page's size.</param>
    /// <param name="cursor">Encodes the sort key of a row, with <see cref="Cursor"/>.</param>
    public static Page<TItem> Of<TRow, TItem>(List<TRow> rows, int size, Func<TRow, TItem> item, Func<TRow, string> cursor)
    {
        var more = rows.Count > size;
        var items = new TItem[Math.Min(rows.Count, size)];
        for (var index = 0; index < items.Length; index++)
        {
            items[index] = item(rows[index]);
        }

        return new Page<TItem>(items, more ? cursor(rows[size - 1]) : null);
    }

    /// <inheritdoc cref="Of{TRow,TItem}"/>
    public static Page<TItem> Of<TItem>(List<TItem> rows, int size, Func<TItem, string> cursor) => Of(rows, size, row => row, cursor);
}

/// <summary>Keyset cursors: the sort key of a page's last row as base64url. Not signed: a forged one only selects another page.</summary>
public static class Cursor
{
    private const char Separator = '|';

    public static string Encode<T>(T key)
        where T : ISpanFormattable =>
        Encode(Text(key));

    public static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    public static string Encode<T1, T2>(T1 first, T2 second)
        where T1 : ISpanFormattable
        where T2 : ISpanFormattable =>
        Encode($"{Text(first)}{Separator}{Text(second)}");

    /// <returns>False for an invalid cursor: return <c>Error.Field("cursor", Cursor.Invalid)</c>.</returns>
    public static bool TryDecode<T>(string cursor, out T key)
        where T : struct, ISpanParsable<T>
    {
        key = default;
        return Decode(cursor) is [var only] && T.TryParse(only, CultureInfo.InvariantCulture, out key);
    }

    /// <returns>False for an invalid cursor. The key of a valid one may still be any text.</returns>
    public static bool TryDecode(string cursor, out string key)
    {
        key = Decode(cursor) is [var only] ? only : "";
        return key.Length > 0;
    }

    /// <inheritdoc cref="TryDecode{T}"/>
    public static bool TryDecode<T1, T2>(string cursor, out T1 first, out T2 second)
        where T1 : struct, ISpanParsable<T1>
        where T2 : struct, ISpanParsable<T2>
    {
        first = default;
        second = default;
        return Decode(cursor) is [var one, var two]
            && T1.TryParse(one, CultureInfo.InvariantCulture, out first)
            && T2.TryParse(two, CultureInfo.InvariantCulture, out second);
    }

    public const string Invalid = "Invalid cursor. Send the next_cursor of the previous page, or none.";

    /// <summary>Uses the round-trip format, which is not the default for instants.</summary>
    private static string Text<T>(T value)
        where T : ISpanFormattable =>
        value.ToString(value is DateTimeOffset ? "O" : value is double ? "R" : null, CultureInfo.InvariantCulture);

    private static string[] Decode(string cursor)
    {
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split(Separator);
        }
        catch (FormatException)
        {
            return [];
        }
    }
}
