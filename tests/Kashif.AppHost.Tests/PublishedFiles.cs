using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Serialization;

namespace Kashif.AppHost.Tests;

/// <summary>Reads what <c>aspire publish</c> writes.</summary>
internal static class PublishedFiles
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();
    private static readonly ISerializer Json = new SerializerBuilder().JsonCompatible().Build();

    public static string PathOf(this PublishedOutput published, string file) => Path.Combine(published.Directory, file);

    public static JsonNode YamlOf(this PublishedOutput published, string file) =>
        JsonNode.Parse(Json.Serialize(Yaml.Deserialize<object>(published[file]))) ?? throw new JsonException($"{file} is empty.");

    public static string Text(this JsonNode? node) => node.ShouldNotBeNull().ToString();

    public static string[] Items(this JsonNode? node) => [.. node.ShouldNotBeNull().AsArray().Select(item => item.Text())];
}
