using System.Collections.Concurrent;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kashif.Deployment.Tests;

/// <summary>As much of the OCI distribution protocol as it takes to pull a base image and push another, with a base image that is almost empty.</summary>
internal sealed class TestRegistry : IAsyncDisposable
{
    private const string Manifest = "application/vnd.oci.image.manifest.v1+json";
    private readonly WebApplication _application;
    private readonly ConcurrentDictionary<string, byte[]> _blobs = new();
    private readonly ConcurrentDictionary<string, (byte[] Content, string Type)> _manifests = new();

    private TestRegistry(WebApplication application) => _application = application;

    public string Address => new Uri(_application.Urls.First()).Authority.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    /// <summary>The names and tags of the images that were pushed.</summary>
    public IEnumerable<string> Pushed => _manifests.Keys.Where(name => name.StartsWith("kashif/", StringComparison.Ordinal) && !name.Contains("sha256", StringComparison.Ordinal));

    /// <summary>The base image, for <c>ContainerBaseImage</c>.</summary>
    public string BaseImage => $"{Address}/dotnet/aspnet:10.0-noble-chiselled-extra";

    public static async Task<TestRegistry> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var registry = new TestRegistry(builder.Build());
        registry._application.Run(registry.AnswerAsync);
        registry.AddBaseImage();
        await registry._application.StartAsync();
        return registry;
    }

    /// <summary>The configuration of a pushed image.</summary>
    public JsonElement ConfigurationOf(string image) => JsonSerializer.Deserialize<JsonElement>(
        _blobs[JsonSerializer.Deserialize<JsonElement>(_manifests[image].Content).GetProperty("config").GetProperty("digest").GetString() ?? ""]);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private void AddBaseImage()
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "usr/share/dotnet/"));
        }

        using var layer = new MemoryStream();
        using (var gzip = new GZipStream(layer, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(tar.ToArray());
        }

        var configuration = JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = "amd64",
            os = "linux",
            config = new { Env = new[] { "PATH=/usr/bin:/bin", "APP_UID=1654", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=false" } },
            rootfs = new { type = "layers", diff_ids = new[] { DigestOf(tar.ToArray()) } },
        });
        var manifest = JsonSerializer.SerializeToUtf8Bytes(new
        {
            schemaVersion = 2,
            mediaType = Manifest,
            config = new { mediaType = "application/vnd.oci.image.config.v1+json", digest = Add(configuration), size = configuration.Length },
            layers = new[] { new { mediaType = "application/vnd.oci.image.layer.v1.tar+gzip", digest = Add(layer.ToArray()), size = layer.Length } },
        });
        _manifests["dotnet/aspnet:10.0-noble-chiselled-extra"] = _manifests[$"dotnet/aspnet:{DigestOf(manifest)}"] = (manifest, Manifest);
    }

    private string Add(byte[] blob)
    {
        var digest = DigestOf(blob);
        _blobs[digest] = blob;
        return digest;
    }

    private static string DigestOf(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";

    // /v2/<name>/manifests/<tag or digest>, /v2/<name>/blobs/<digest>, /v2/<name>/blobs/uploads/<id>
    private async Task AnswerAsync(HttpContext context)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
        var parts = (context.Request.Path.Value ?? "").Trim('/').Split('/');
        var method = context.Request.Method;
        if (parts is ["v2"])
        {
            return;
        }

        if (parts is ["v2", .. var path, "manifests", var reference])
        {
            var image = $"{string.Join('/', path)}:{reference}";
            if (method == "PUT")
            {
                var content = await ReadAsync(context.Request);
                _manifests[image] = _manifests[$"{string.Join('/', path)}:{DigestOf(content)}"] = (content, context.Request.ContentType ?? "");
                await CreatedAsync(context, DigestOf(content));
            }
            else if (_manifests.TryGetValue(image, out var found))
            {
                await WriteAsync(context, found.Content, found.Type);
            }
            else
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
            }
        }
        else if (parts is ["v2", .., "blobs", "uploads"] or ["v2", .., "blobs", "uploads", _])
        {
            await UploadAsync(context, parts);
        }
        else if (parts is ["v2", .., "blobs", var digest] && _blobs.TryGetValue(digest, out var blob))
        {
            await WriteAsync(context, blob, "application/octet-stream");
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        }
    }

    private async Task UploadAsync(HttpContext context, string[] parts)
    {
        var upload = parts[^1] == "uploads" ? Guid.CreateVersion7().ToString("N") : parts[^1];
        var before = _blobs.GetValueOrDefault(upload) ?? [];
        byte[] all = [.. before, .. await ReadAsync(context.Request)];
        if (context.Request.Query["digest"] is [var digest] && context.Request.Method == "PUT")
        {
            Add(all).ShouldBe(digest);
            await CreatedAsync(context, digest ?? "");
            return;
        }

        _blobs[upload] = all;
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.Headers.Location = $"{string.Join('/', parts.TakeWhile(part => part != "uploads").Prepend("")).TrimEnd('/')}/uploads/{upload}";
        context.Response.Headers.Range = $"0-{Math.Max(all.Length - 1, 0)}";
    }

    private static Task CreatedAsync(HttpContext context, string digest)
    {
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.Headers["Docker-Content-Digest"] = digest;
        return Task.CompletedTask;
    }

    private static async Task WriteAsync(HttpContext context, byte[] content, string type)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = content.Length;
        context.Response.Headers["Docker-Content-Digest"] = DigestOf(content);
        if (context.Request.Method != "HEAD")
        {
            await context.Response.Body.WriteAsync(content);
        }
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        return body.ToArray();
    }
}
