using System.Globalization;
using Kashif.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kashif.Reporting.Reports;

/// <summary>
/// The entity tag of a report: <c>"3"</c> for version 3, <c>"3.12"</c> after twelve changes of its counts, and with a <c>+</c> in the full view
/// of a report that the public sees less of. For <c>If-Match</c> only the version counts.
/// </summary>
internal static class ReportETag
{
    public static EntityTagHeaderValue Of(Report report, View view) => Of(report, view.IsPersonal(report));

    /// <param name="isPersonal">Whether the response has more than the public's.</param>
    public static EntityTagHeaderValue Of(Report report, bool isPersonal)
    {
        var activity = report.Activity > 0 ? string.Create(CultureInfo.InvariantCulture, $".{report.Activity}") : "";
        var full = isPersonal ? "+" : "";
        return new EntityTagHeaderValue(string.Create(CultureInfo.InvariantCulture, $"\"{report.Version}{activity}{full}\""));
    }

    /// <summary>Whether <c>If-Match</c> names the version of the report.</summary>
    public static bool IsMatch(StringValues header, Report report)
    {
        var version = VersionETag.Of(report.Version);
        return EntityTagHeaderValue.TryParseList(header, out var tags)
            && tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any)
                || (!tag.IsWeak && VersionETag.Of(VersionOf(tag)).Compare(version, useStrongComparison: true)));
    }

    /// <returns>3 of <c>"3.12+"</c>; 0, which no report has, of another tag.</returns>
    private static int VersionOf(EntityTagHeaderValue tag)
    {
        var text = tag.Tag.AsSpan().Trim('"').TrimEnd('+');
        var dot = text.IndexOf('.');
        return int.TryParse(dot < 0 ? text : text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;
    }
}
