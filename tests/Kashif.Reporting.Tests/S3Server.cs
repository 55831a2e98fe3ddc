using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kashif.Reporting.Tests;

/// <summary>The part of S3 that photos use, over HTTP, for one bucket. It refuses what is not signed with the key (Signature Version 4).</summary>
/// <remarks>https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html</remarks>
internal sealed partial class S3Server : IAsyncDisposable
{
    public const string Bucket = "city-photos";
    public const string AccessKey = "AKIATEST";
    public const string SecretKey = "not/a+secret";
    public const string Region = "eu-test-1";
    private readonly WebApplication _app;

    private S3Server(WebApplication app) => _app = app;

    public ConcurrentDictionary<string, (byte[] Content, string? Type)> Objects { get; } = [];

    public string Address => _app.Urls.Single();

    public Dictionary<string, string?> Settings => new()
    {
        ["Photos:Store"] = "s3",
        ["Photos:S3:Endpoint"] = Address,
        ["Photos:S3:Bucket"] = Bucket,
        ["Photos:S3:Region"] = Region,
        ["Photos:S3:AccessKey"] = AccessKey,
        ["Photos:S3:SecretKey"] = SecretKey,
    };

    public static async Task<S3Server> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var server = new S3Server(app);
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var content = body.ToArray();
        var prefix = $"/{Bucket}/";
        var path = http.Request.Path.Value ?? "";
        if (!IsSigned(http.Request, content))
        {
            await RefuseAsync(http, HttpStatusCode.Forbidden, "SignatureDoesNotMatch");
        }
        else if (!path.StartsWith(prefix, StringComparison.Ordinal))
        {
            await RefuseAsync(http, HttpStatusCode.NotFound, "NoSuchBucket");
        }
        else if (HttpMethods.IsPut(http.Request.Method))
        {
            Objects[path[prefix.Length..]] = (content, http.Request.ContentType);
            http.Response.Headers.ETag = $"\"{Convert.ToHexStringLower(MD5.HashData(content))}\"";
        }
        else if (HttpMethods.IsDelete(http.Request.Method))
        {
            Objects.TryRemove(path[prefix.Length..], out _);
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else if (Objects.TryGetValue(path[prefix.Length..], out var found))
        {
            (http.Response.ContentType, http.Response.ContentLength) = (found.Type, found.Content.Length);
            await http.Response.Body.WriteAsync(found.Content);
        }
        else
        {
            await RefuseAsync(http, HttpStatusCode.NotFound, "NoSuchKey");
        }
    }

    private static Task RefuseAsync(HttpContext http, HttpStatusCode status, string code)
    {
        http.Response.StatusCode = (int)status;
        http.Response.ContentType = "application/xml";
        return http.Response.WriteAsync($"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{code}</Message><RequestId>1</RequestId></Error>""");
    }

    private static bool IsSigned(HttpRequest request, byte[] body)
    {
        var match = Authorization().Match(request.Headers.Authorization.ToString());
        var hash = request.Headers["x-amz-content-sha256"].ToString();
        if (!match.Success || match.Groups["key"].Value != AccessKey || match.Groups["region"].Value != Region || hash != Convert.ToHexStringLower(SHA256.HashData(body)))
        {
            return false;
        }

        var (day, signed) = (match.Groups["day"].Value, match.Groups["signed"].Value);
        var headers = string.Concat(signed.Split(';').Select(name => $"{name}:{Value(request, name)}\n"));
        var query = string.Join('&', request.Query.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value.ToString())}"));
        var canonical = $"{request.Method}\n{request.Path}\n{query}\n{headers}\n{signed}\n{hash}";
        var text = $"AWS4-HMAC-SHA256\n{request.Headers["x-amz-date"]}\n{day}/{Region}/s3/aws4_request\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = new[] { day, Region, "s3", "aws4_request" }.Aggregate(Encoding.UTF8.GetBytes($"AWS4{SecretKey}"), (secret, part) => HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(part)));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text))) == match.Groups["signature"].Value;
    }

    private static string Value(HttpRequest request, string name) =>
        name == "host" ? request.Host.ToString() : Spaces().Replace(request.Headers[name].ToString().Trim(), " ");

    [GeneratedRegex("^AWS4-HMAC-SHA256 Credential=(?<key>[^/]+)/(?<day>[0-9]{8})/(?<region>[^/]+)/s3/aws4_request, *SignedHeaders=(?<signed>[^,]+), *Signature=(?<signature>[0-9a-f]{64})$")]
    private static partial Regex Authorization();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
