using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Kashif.Publish;

/// <summary>Writes records as YAML: snake case, in the order of the members, without those that are empty.</summary>
internal static class Yaml
{
    private static readonly ISerializer Serializer = new SerializerBuilder()
        .WithNamingConvention(UnderscoredNamingConvention.Instance)
        .ConfigureDefaultValuesHandling(DefaultValuesHandling.OmitNull | DefaultValuesHandling.OmitDefaults | DefaultValuesHandling.OmitEmptyCollections)
        .WithQuotingNecessaryStrings(quoteYaml1_1Strings: true)
        .WithIndentedSequences()
        .DisableAliases()
        .Build();

    public static string Write(object value) => Serializer.Serialize(value);
}
