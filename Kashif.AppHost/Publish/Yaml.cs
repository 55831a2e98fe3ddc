using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Kashif.Publish;

/// <summary>Writes records as YAML: snake case, members in their order, empty members left out.</summary>
internal static class Yaml
{
    private const string DocumentStart = "--- ";

    private static readonly ISerializer Serializer = new SerializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .ConfigureDefaultValuesHandling(DefaultValuesHandling.OmitNull | DefaultValuesHandling.OmitDefaults | DefaultValuesHandling.OmitEmptyCollections)
        .WithQuotingNecessaryStrings(quoteYaml1_1Strings: true)
        .WithIndentedSequences()
        .DisableAliases()
        .Build();

    public static string Write(object value) => Serializer.Serialize(value);

    /// <summary>Writes a node without line breaks inside of texts, and without the marks of a document.</summary>
    public static string Write(YamlNode node)
    {
        using var writer = new StringWriter();
        new YamlStream(new YamlDocument(node)).Save(new Emitter(writer, new EmitterSettings().WithBestWidth(int.MaxValue)), assignAnchors: false);
        var text = writer.ToString().Replace("\n...", "", StringComparison.Ordinal).TrimEnd();
        return text.StartsWith(DocumentStart, StringComparison.Ordinal) ? text[DocumentStart.Length..] : text;
    }
}
