using System.Globalization;
using System.Text.RegularExpressions;
using Kashif.Http;
using Microsoft.Extensions.Primitives;

namespace Kashif.Reporting.Open311;

/// <summary>The parameters of a request, from its form and its query. An empty parameter is an absent one.</summary>
internal sealed partial class Parameters(Format format, IQueryCollection query, IFormCollection? form = null)
{
    public const int MaxPageSize = 1000;
    private const int MaxPage = 1000;
    private const NumberStyles Decimal = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent | NumberStyles.AllowLeadingWhite;

    public Format Format => format;

    public List<Fault> Faults { get; } = [];

    /// <summary>The format that the end of the path names. XML for other paths, because each server must have it.</summary>
    public static Format FormatOf(HttpContext http) =>
        http.Request.Path.Value?.TrimEnd('/').EndsWith(".json", StringComparison.OrdinalIgnoreCase) == true ? Format.Json : Format.Xml;

    public string? Text(string name)
    {
        var value = form is not null && Value(form.TryGetValue(name, out var sent) ? sent : default) is { } body
            ? body
            : Value(query.TryGetValue(name, out var asked) ? asked : default);
        if (value is null || Characters.AreText(value))
        {
            return value;
        }

        Faults.Add(Fault.Bad($"{name}: the characters U+0000 and U+FFFE are not allowed"));
        return null;
    }

    /// <summary>All values of a parameter that may be repeated, under any of its names.</summary>
    public string[] All(params string[] names)
    {
        string[] values =
        [
            .. from name in names
               from value in (form?[name] ?? StringValues.Empty).Concat(query[name])
               where !string.IsNullOrWhiteSpace(value)
               select value.Trim(),
        ];
        if (Array.TrueForAll(values, value => Characters.AreText(value)))
        {
            return values;
        }

        Faults.Add(Fault.Bad($"{names[0]}: the characters U+0000 and U+FFFE are not allowed"));
        return [];
    }

    /// <param name="max">In UTF-16 code units.</param>
    public string? Text(string name, int max)
    {
        var text = Text(name);
        if (text?.Length > max)
        {
            Faults.Add(Fault.Bad($"{name}: at most {max.ToString(CultureInfo.InvariantCulture)} characters"));
            return null;
        }

        return text;
    }

    /// <summary>A list such as <c>a,b</c>; null if the parameter is absent.</summary>
    public IReadOnlyList<string>? List(string name) =>
        Text(name)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is { Length: > 0 } list ? list : null;

    public double? Number(string name, double min, double max)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (double.TryParse(text, Decimal, CultureInfo.InvariantCulture, out var number)
            && number >= min && number <= max)
        {
            return number;
        }

        Faults.Add(Fault.Bad(string.Create(CultureInfo.InvariantCulture, $"{name}: must be a number from {min} to {max}")));
        return null;
    }

    /// <summary>A W3C date and time with an offset, such as <c>2027-03-01T09:00:00Z</c>, or a date, which is its midnight in UTC.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        // A plus sign that is not encoded arrives as a space.
        text = text.Replace(' ', '+');
        if (Instant().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return time.ToUniversalTime();
        }

        Faults.Add(Fault.Bad($"{name}: must be a date and time such as 2027-03-01T09:00:00Z"));
        return null;
    }

    /// <summary>Page 0 is page 1.</summary>
    public (int Skip, int Take) Page()
    {
        var page = Whole("page", 0, MaxPage) ?? 1;
        var size = Whole("page_size", 1, MaxPageSize) ?? MaxPageSize;
        return ((Math.Max(page, 1) - 1) * size, size);
    }

    /// <summary>
    /// The range of <c>start_date</c> and <c>end_date</c>, at most <paramref name="days"/> long. With one of them the range is as long as it may be; with
    /// none it ends now. The end includes its whole second, because responses have no fractions.
    /// </summary>
    public (DateTimeOffset Start, DateTimeOffset End) Range(DateTimeOffset now, int days)
    {
        var (start, end) = (Time("start_date"), Time("end_date"));
        var span = TimeSpan.FromDays(days);
        if (start > end)
        {
            Faults.Add(Fault.Bad("start_date must not be after end_date"));
        }
        else if (end - start > span)
        {
            Faults.Add(Fault.Bad($"start_date and end_date must be at most {days.ToString(CultureInfo.InvariantCulture)} days apart"));
        }

        var last = end ?? (start is { } from && from < now - span ? from + span : now);
        var first = start ?? (last - DateTimeOffset.MinValue > span ? last - span : DateTimeOffset.MinValue);
        return (first, EndOfSecond(last));
    }

    public static DateTimeOffset EndOfSecond(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond) + TimeSpan.TicksPerSecond - TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);

    private int? Whole(string name, int min, int max)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
        {
            return number;
        }

        Faults.Add(Fault.Bad(string.Create(CultureInfo.InvariantCulture, $"{name}: must be a whole number from {min} to {max}")));
        return null;
    }

    private static string? Value(StringValues values) => values.FirstOrDefault(value => !string.IsNullOrWhiteSpace(value))?.Trim();

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?\z")]
    private static partial Regex Instant();
}
