using Microsoft.Net.Http.Headers;

namespace Kashif.Gateway.Representation;

/// <summary>
/// The gateway changes the bytes of a response, so it must change its entity tag (RFC 9110, section 8.8.3): an envelope adds a
/// suffix, compression makes it weak. In conditions of requests it restores the service's tag.
/// </summary>
internal static class EntityTags
{
    private const string Suffix = "-envelope\"";

    public static void Restore(IHeaderDictionary request, bool envelope)
    {
        if (request.IfMatch.Count > 0 && EntityTagHeaderValue.TryParseList(request.IfMatch, out var required))
        {
            request.IfMatch = string.Join(", ", required.Select(tag => Plain(tag.Tag.ToString())));
        }

        if (envelope && EntityTagHeaderValue.TryParseList(request.IfNoneMatch, out var known))
        {
            var own = known.Where(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Tag.EndsWith(Suffix, StringComparison.Ordinal))
                .Select(tag => Plain(tag.Tag.ToString())).ToArray();
            request.IfNoneMatch = own is [] ? default : string.Join(", ", own);
        }
    }

    public static void Mark(IHeaderDictionary response, bool envelope)
    {
        var tag = response.ETag.ToString();
        if (envelope && tag.EndsWith('"') && !tag.EndsWith(Suffix, StringComparison.Ordinal))
        {
            tag = tag[..^1] + Suffix;
        }

        if (response.ContentEncoding.Count > 0 && tag.StartsWith('"'))
        {
            tag = $"W/{tag}";
        }

        if (tag.Length > 0)
        {
            response.ETag = tag;
        }
    }

    private static string Plain(string tag) => tag.EndsWith(Suffix, StringComparison.Ordinal) ? $"{tag[..^Suffix.Length]}\"" : tag;
}
