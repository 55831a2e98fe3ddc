using System.Globalization;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kashif.Http;

/// <summary>The version of a resource as an entity tag.</summary>
public static class VersionETag
{
    /// <summary>The tag of a version.</summary>
    public static EntityTagHeaderValue Of(int version) => new(string.Create(CultureInfo.InvariantCulture, $"\"{version}\""));

    /// <summary>Whether a condition of a request matches the tag.</summary>
    /// <param name="header"><c>If-Match</c> or <c>If-None-Match</c>: tags or <c>*</c>.</param>
    /// <param name="strong">True: weak tags never match (RFC 9110, section 13.1.1).</param>
    public static bool Matches(StringValues header, EntityTagHeaderValue tag, bool strong) =>
        EntityTagHeaderValue.TryParseList(header, out var tags)
        && tags.Any(candidate => candidate.Equals(EntityTagHeaderValue.Any) || candidate.Compare(tag, useStrongComparison: strong));
}
