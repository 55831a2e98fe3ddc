using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Kashif.Testing;

namespace Kashif.Deployment.Tests;

/// <summary><c>./kashif images</c>, with the SDK's real container support on an almost empty base image: none can be pulled everywhere.</summary>
public sealed class ImageTests(DeploymentServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_archive_has_a_user_labels_and_a_program_that_runs()
    {
        await using var registry = await TestRegistry.StartAsync();
        var output = Directory.CreateTempSubdirectory("kashif-images-");
        try
        {
            await ImagesAsync(registry, "reporting", "--output", output.FullName, "--tag", "tested");

            var files = output.CreateSubdirectory("archive").FullName;
            await TarFile.ExtractToDirectoryAsync(Path.Combine(output.FullName, "reporting.tar"), files, overwriteFiles: false, Cancel);
            JsonElement Blob(JsonElement descriptor) =>
                Read(Path.Combine(files, "blobs", (descriptor.GetProperty("digest").GetString() ?? "").Replace(':', '/')));
            var manifest = Blob(Read(Path.Combine(files, "index.json")).GetProperty("manifests")[0]);
            Check(Blob(manifest.GetProperty("config")), "reporting");

            var root = output.CreateSubdirectory("root").FullName;
            foreach (var layer in manifest.GetProperty("layers").EnumerateArray())
            {
                await using var compressed = File.OpenRead(Path.Combine(files, "blobs", (layer.GetProperty("digest").GetString() ?? "").Replace(':', '/')));
                await using var layerFiles = new GZipStream(compressed, CompressionMode.Decompress);
                await TarFile.ExtractToDirectoryAsync(layerFiles, root, overwriteFiles: true, Cancel);
            }

            File.Exists(Path.Combine(root, "app", "Kashif.Reporting.xml")).ShouldBeTrue("the comments, for OpenAPI");
            Read(Path.Combine(root, "app", "Kashif.Reporting.runtimeconfig.json")).GetProperty("runtimeOptions").GetProperty("configProperties")
                .TryGetProperty("System.Globalization.Invariant", out _).ShouldBeFalse("the culture of Arabic");
            var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
            var (exitCode, log) = await RunAsync("dotnet", settings, Path.Combine(root, "app", "Kashif.Reporting.dll"), "migrate");
            exitCode.ShouldBe(0, log);

            var packages = Read(Path.Combine(output.FullName, "reporting.spdx.json")).GetProperty("packages").EnumerateArray();
            packages.Select(package => package.GetProperty("name").GetString()).ShouldContain("Npgsql");
        }
        finally
        {
            output.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task An_image_is_pushed_to_a_registry()
    {
        await using var registry = await TestRegistry.StartAsync();

        await ImagesAsync(registry, "gateway", "--registry", registry.Address, "--tag", "tested");

        registry.Pushed.ShouldBe(["kashif/gateway:tested"]);
        Check(registry.ConfigurationOf("kashif/gateway:tested"), "gateway");

        // The map page has Leaflet, from npm. What only tests use is in no image.
        var packages = Read(Path.Combine(Repository.Root, ".kashif", "images", "gateway.spdx.json")).GetProperty("packages").EnumerateArray()
            .Select(package => package.GetProperty("name").GetString()).ToArray();
        packages.ShouldContain("leaflet");
        packages.ShouldNotContain("axe-core");
    }

    [Theory]
    [InlineData("Give --registry or --output, not both.", "--registry", "r", "--output", "o")]
    [InlineData("Unknown option '--push'.", "--push")]
    [InlineData("There is no service 'payments'.", "payments")]
    [InlineData("--tag needs a value.", "--tag")]
    public async Task Wrong_arguments_are_refused(string message, params string[] arguments)
    {
        var (exitCode, output) = await RunAsync(Path.Combine(Repository.Root, "kashif"), new Dictionary<string, string>(), ["images", .. arguments]);

        exitCode.ShouldBe(1);
        output.ShouldContain(message);
    }

    private static void Check(JsonElement image, string service)
    {
        var config = image.GetProperty("config");
        config.GetProperty("User").GetString().ShouldBe("1654");
        config.GetProperty("Entrypoint").EnumerateArray().Select(word => word.GetString()).ShouldBe(["dotnet", $"/app/Kashif.{char.ToUpperInvariant(service[0])}{service[1..]}.dll"]);
        config.GetProperty("Env").EnumerateArray().Select(word => word.GetString()).ShouldContain("ASPNETCORE_HTTP_PORTS=8080");
        config.GetProperty("ExposedPorts").EnumerateObject().Select(port => port.Name).ShouldBe(["8080/tcp"]);
        var labels = config.GetProperty("Labels");
        labels.GetProperty("org.opencontainers.image.title").GetString().ShouldBe($"Kashif {service}");
        labels.GetProperty("org.opencontainers.image.version").GetString().ShouldBe("tested");
        labels.GetProperty("org.opencontainers.image.revision").GetString().ShouldNotBeNull().Length.ShouldBe(40);
        labels.TryGetProperty("org.opencontainers.image.created", out _).ShouldBeFalse();
    }

    private static async Task ImagesAsync(TestRegistry registry, params string[] arguments)
    {
        var (exitCode, output) = await RunAsync(
            Path.Combine(Repository.Root, "kashif"), new Dictionary<string, string> { ["ContainerBaseImage"] = registry.BaseImage }, ["images", .. arguments]);
        exitCode.ShouldBe(0, output);
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, IReadOnlyDictionary<string, string> settings, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException("No process.");
        var output = process.StandardOutput.ReadToEndAsync(Cancel);
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, await output + await errors);
    }

    private static JsonElement Read(string file) => JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(file));
}
