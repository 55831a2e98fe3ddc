using System.Collections.Frozen;
using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>All texts at one time, ready to render.</summary>
internal sealed class TemplateSet
{
    private static readonly string[] AllLanguages = [Languages.English, Languages.Arabic];

    private readonly FrozenDictionary<(string Code, string Language, string Channel), Candidate[]> _candidates;

    /// <param name="stored">The last version of each text.</param>
    /// <param name="own">The codes that administrators have added.</param>
    /// <param name="onInvalid">A stored text that no longer compiles. The default stays in use.</param>
    public TemplateSet(IReadOnlyList<TemplateVersion> stored, IEnumerable<TemplateDefinition> own, Action<TemplateVersion, TemplateException> onInvalid)
    {
        Last = stored.Select(text => text.Id).DefaultIfEmpty().Max();
        Stored = [.. stored.Where(text => text.Body is not null)];
        var texts = new Dictionary<(string Code, string Language, string Channel), CompiledTemplate>();
        Definitions = TemplateCodes.All.Values.Concat(own).DistinctBy(definition => definition.Code).ToFrozenDictionary(definition => definition.Code);
        foreach (var text in Stored)
        {
            try
            {
                if (Definitions.TryGetValue(text.Code, out var definition))
                {
                    texts[(text.Code, text.Language, text.Channel)] = CompiledTemplate.Compile(text.Title ?? "", text.Body ?? "", definition);
                }
            }
            catch (TemplateException invalid)
            {
                onInvalid(text, invalid);
            }
        }

        var keys = from definition in Definitions.Values from language in AllLanguages from channel in definition.Channels select (definition.Code, language, channel);
        _candidates = keys.ToFrozenDictionary(key => key, key => Candidates(key.Code, key.language, key.channel, texts));
    }

    /// <summary>The <see cref="TemplateVersion.Id"/> of the last change.</summary>
    public long Last { get; }

    /// <summary>The texts in use that are not the default.</summary>
    public IReadOnlyList<TemplateVersion> Stored { get; }

    /// <summary>The known codes.</summary>
    public FrozenDictionary<string, TemplateDefinition> Definitions { get; }

    /// <summary>The texts to try, best first: the administrator's, the default, another channel's, and then those of the other language.</summary>
    public IReadOnlyList<Candidate> Find(string code, string? language, string channel) =>
        _candidates.GetValueOrDefault((code, language == Languages.Arabic ? Languages.Arabic : Languages.English, channel), []);

    private static Candidate[] Candidates(string code, string language, string channel, Dictionary<(string, string, string), CompiledTemplate> stored)
    {
        var found =
            from of in AllLanguages.OrderBy(other => other != language)
            from template in (CompiledTemplate?[])[
                stored.GetValueOrDefault((code, of, channel)),
                DefaultTemplates.Find(code, of, channel),
                .. ChannelNames.All.Select(other => stored.GetValueOrDefault((code, of, other)))]
            where template is not null
            select new Candidate(template, of);
        return [.. found.Distinct()];
    }

    internal sealed record Candidate(CompiledTemplate Template, string Language);
}
