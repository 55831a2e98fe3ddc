using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Kashif.AppHost.Tests;

/// <summary>Aspire's manifest, which tools such as azd read: <c>aspire publish --publisher manifest</c>.</summary>
public sealed partial class ManifestTests : IDisposable
{
    /// <summary>What a resource of each type has, by the manifest's schema (https://json.schemastore.org/aspire-8.0.json).</summary>
    private static readonly Dictionary<string, string[]> Members = new()
    {
        ["parameter.v0"] = ["value", "inputs"],
        ["value.v0"] = ["connectionString"],
        ["annotated.string"] = ["value", "filter"],
        ["container.v0"] = ["image", "connectionString", "env", "bindings"],
        ["project.v0"] = ["path", "env", "bindings"],
    };

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kashif-manifest-");

    [Fact]
    public async Task Each_resource_has_what_its_type_requires_and_each_expression_leads_to_one()
    {
        var path = Path.Combine(_directory.FullName, "manifest.json");
        // azd asks for the values of parameters itself.
        var (exitCode, output) = await PublishedOutput.RunAsync(AppHostProgram.Path, ["--publisher", "manifest", "--output-path", path], AppHostProgram.Directory);
        exitCode.ShouldBe(0, output);
        var text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        var resources = JsonNode.Parse(text).ShouldNotBeNull()["resources"].ShouldNotBeNull().AsObject();

        resources.Select(resource => resource.Value.ShouldNotBeNull()["type"].Text()).Distinct().ShouldBe(Members.Keys, ignoreOrder: true);
        foreach (var (name, resource) in resources)
        {
            resource.ShouldNotBeNull().AsObject().Select(member => member.Key).ShouldBeSubsetOf(
                [.. Members[resource["type"].Text()], "type", "args", "entrypoint", "volumes", "bindMounts"], name);
            Members[resource["type"].Text()].ShouldAllBe(member => resource[member] != null, name);
        }

        Expression().Count(text).ShouldBeGreaterThan(50);
        foreach (Match match in Expression().Matches(text))
        {
            var resource = resources[match.Groups["resource"].Value].ShouldNotBeNull(match.Value);
            if (match.Groups["binding"] is { Success: true, Value: var binding })
            {
                resource["bindings"].ShouldNotBeNull()[binding].ShouldNotBeNull(match.Value);
            }
            else
            {
                (resource[match.Groups["member"].Value] ?? resource["inputs"]?[match.Groups["input"].Value]).ShouldNotBeNull(match.Value);
            }
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);

    /// <summary>Such as <c>{postgres.bindings.tcp.host}</c>, <c>{public-url.value}</c> and <c>{public-url.inputs.value}</c>.</summary>
    [GeneratedRegex(@"\{(?<resource>[\w-]+)\.(?:bindings\.(?<binding>\w+)\.\w+|inputs\.(?<input>\w+)|(?<member>\w+))\}")]
    private static partial Regex Expression();
}
