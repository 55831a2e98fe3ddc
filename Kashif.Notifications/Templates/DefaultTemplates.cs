using System.Collections.Frozen;
using System.Reflection;
using Fluid;
using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>A template that is ready to render.</summary>
internal sealed record CompiledTemplate(IFluidTemplate Title, IFluidTemplate Body)
{
    /// <exception cref="TemplateException">A text is no valid template.</exception>
    public static CompiledTemplate Compile(string title, string body, TemplateDefinition definition) =>
        new(Liquid.Parse(title, definition.Names), Liquid.Parse(body, definition.Names));
}

/// <summary>A text as its author wrote it.</summary>
internal sealed record TemplateSource(string Title, string Body);

/// <summary>
/// The texts that ship with the service: <c>Defaults/&lt;code&gt;.&lt;language&gt;.liquid</c> with the title, an empty line and the
/// body. <c>&lt;code&gt;.&lt;language&gt;.&lt;channel&gt;.liquid</c> is for one channel.
/// </summary>
internal static class DefaultTemplates
{
    private static readonly FrozenDictionary<string, TemplateSource> Sources = Read();
    private static readonly FrozenDictionary<string, CompiledTemplate> Compiled = Compile();

    public static TemplateSource? Source(string code, string language, string channel) =>
        Sources.GetValueOrDefault($"{code}.{language}.{channel}") ?? Sources.GetValueOrDefault($"{code}.{language}");

    public static CompiledTemplate? Find(string code, string language, string channel) =>
        Compiled.GetValueOrDefault($"{code}.{language}.{channel}") ?? Compiled.GetValueOrDefault($"{code}.{language}");

    private static FrozenDictionary<string, TemplateSource> Read()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames()
            .Where(name => name.EndsWith(".liquid", StringComparison.Ordinal))
            .ToFrozenDictionary(name => name[..^".liquid".Length], name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name) ?? Stream.Null);
                var parts = reader.ReadToEnd().ReplaceLineEndings("\n").Split("\n\n", 2);
                return new TemplateSource(parts[0].Trim(), parts[^1].Trim());
            });
    }

    private static FrozenDictionary<string, CompiledTemplate> Compile()
    {
        var names =
            from definition in TemplateCodes.All.Values
            from language in (string[])[Languages.English, Languages.Arabic]
            from channel in (string[])["", .. ChannelNames.All.Select(channel => $".{channel}")]
            select (Name: $"{definition.Code}.{language}{channel}", Definition: definition);
        return names.Where(entry => Sources.ContainsKey(entry.Name)).ToFrozenDictionary(entry => entry.Name, entry =>
        {
            var source = Sources[entry.Name];
            try
            {
                return CompiledTemplate.Compile(source.Title, source.Body, entry.Definition);
            }
            catch (TemplateException invalid)
            {
                throw new InvalidOperationException($"{entry.Name}.liquid: {invalid.Message}", invalid);
            }
        });
    }
}
