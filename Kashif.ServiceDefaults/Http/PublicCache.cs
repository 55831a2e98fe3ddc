using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Kashif.Http;

/// <summary>HTTP caching of responses that are the same for all users.</summary>
public static class PublicCache
{
    /// <summary>
    /// Lets clients, the gateway and other caches store the endpoint's 200 responses for <paramref name="maxAge"/>, so responses can be
    /// that stale. Adds an <c>ETag</c> and answers a matching <c>If-None-Match</c> with 304. Does not change a response that already has
    /// a <c>Cache-Control</c>.
    /// </summary>
    public static RouteHandlerBuilder WithPublicCache(this RouteHandlerBuilder builder, TimeSpan maxAge) => builder.WithPublicCache(() => maxAge);

    /// <summary>As the other overload, but reads the time at each response, for options that are not available at start.</summary>
    /// <param name="maxAge">How long caches keep the response.</param>
    public static RouteHandlerBuilder WithPublicCache(this RouteHandlerBuilder builder, Func<TimeSpan> maxAge)
    {
        return builder.WithEntityTag().AddEndpointFilter(async (invocation, next) =>
        {
            var result = await next(invocation);
            var actual = result is INestedHttpResult nested ? nested.Result : result;
            if (invocation.HttpContext.Response.Headers.CacheControl.Count > 0
                || actual is not IValueHttpResult { Value: { } value } || (actual as IStatusCodeHttpResult)?.StatusCode is not StatusCodes.Status200OK)
            {
                return result;
            }

            var options = invocation.HttpContext.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
            return Prepare(value, maxAge(), options);
        });
    }

    /// <summary>Documents that the endpoint compares <c>If-None-Match</c>.</summary>
    public static RouteHandlerBuilder WithEntityTag(this RouteHandlerBuilder builder) => builder
        .Produces(StatusCodes.Status304NotModified)
        .WithMetadata(new RequestHeader(HeaderNames.IfNoneMatch, "The `ETag` of a response that the client has: 304 if it is still current.", 1000, "\"1\""));

    /// <summary>Serializes a response once, for an endpoint that returns it many times.</summary>
    /// <inheritdoc cref="WithPublicCache(RouteHandlerBuilder, TimeSpan)"/>
    public static IResult Prepare(object value, TimeSpan maxAge, JsonSerializerOptions options)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(value, options.GetTypeInfo(value.GetType()));
        return new Answer(
            body,
            TagOf(body),
            string.Create(CultureInfo.InvariantCulture, $"public, max-age={maxAge.TotalSeconds:0}"));
    }

    /// <summary>The entity tag of a body: its hash.</summary>
    public static EntityTagHeaderValue TagOf(ReadOnlySpan<byte> body) => new($"\"{Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 8))}\"");

    private sealed class Answer(byte[] body, EntityTagHeaderValue tag, string cacheControl) : IResult
    {
        private readonly string _tag = tag.ToString();

        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.Headers.ETag = _tag;
            response.Headers.CacheControl = cacheControl;

            if (httpContext.Request.Headers.IfNoneMatch is { Count: > 0 } sent && EntityTagHeaderValue.TryParseList(sent, out var known)
                && known.Any(candidate => candidate.Equals(EntityTagHeaderValue.Any) || candidate.Compare(tag, useStrongComparison: false)))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            }

            response.ContentType = "application/json; charset=utf-8";
            response.ContentLength = body.Length;
            return response.Body.WriteAsync(body, httpContext.RequestAborted).AsTask();
        }
    }
}
