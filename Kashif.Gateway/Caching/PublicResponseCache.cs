using System.Collections.Concurrent;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Net.Http.Headers;

namespace Kashif.Gateway.Caching;

/// <summary>
/// Caches GET responses that their service marks <c>public</c>, in memory, for the service's max-age, and lets one request at a
/// time fetch a new one. No other response is cached.
/// </summary>
/// <remarks>https://www.rfc-editor.org/rfc/rfc9111 sections 3 and 3.5. Cached responses vary only with the content coding that the gateway chose.</remarks>
internal sealed class PublicResponseCache : IOutputCachePolicy
{
    private const int MaxPaths = 10_000;

    /// <summary>
    /// Paths that have returned public responses. A request with an Authorization header to any other path is probably personal:
    /// it bypasses the cache, whose lock would make different callers wait for one another.
    /// </summary>
    private readonly ConcurrentDictionary<string, bool> _paths = new(StringComparer.Ordinal);
    private int _count;

    ValueTask IOutputCachePolicy.CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        var request = context.HttpContext.Request;
        if (HttpMethods.IsGet(request.Method) && (request.Headers.Authorization.Count == 0 || _paths.ContainsKey(request.Path.Value ?? "")))
        {
            context.EnableOutputCaching = true;
            context.AllowCacheLookup = true;
            context.AllowCacheStorage = true;
            context.AllowLocking = true;
            context.CacheVaryByRules.QueryKeys = "*";
            context.CacheVaryByRules.VaryByValues["coding"] = request.Headers.AcceptEncoding.ToString();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Applies the service's headers before the first byte of the body is forwarded.</summary>
    public void ApplyCacheControl(HttpContext context)
    {
        var cache = context.Features.Get<IOutputCacheFeature>()?.Context;
        if (Lifetime(context) is not { } lifetime)
        {
            cache?.AllowCacheStorage = false;
            return;
        }

        RememberPublicPath(context.Request.Path.Value ?? "");
        if (cache is { EnableOutputCaching: true })
        {
            cache.ResponseExpirationTimeSpan = lifetime;
        }
    }

    ValueTask IOutputCachePolicy.ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) => ValueTask.CompletedTask;

    ValueTask IOutputCachePolicy.ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation)
    {
        // No lifetime: the response is the gateway's own. A forwarder error: the service's response is incomplete.
        if (context.ResponseExpirationTimeSpan is null || context.HttpContext.GetForwarderErrorFeature() is not null)
        {
            context.AllowCacheStorage = false;
        }

        return ValueTask.CompletedTask;
    }

    private static TimeSpan? Lifetime(HttpContext context)
    {
        var headers = context.Response.Headers;
        return HttpMethods.IsGet(context.Request.Method)
            && context.Response.StatusCode == StatusCodes.Status200OK
            && headers.SetCookie.Count == 0
            && headers.Vary.Count == 0
            && CacheControlHeaderValue.TryParse(headers.CacheControl.ToString(), out var control)
            && control is { Public: true, Private: false, NoStore: false, NoCache: false }
            && (control.SharedMaxAge ?? control.MaxAge) is { } lifetime
            && lifetime > TimeSpan.Zero
                ? lifetime
                : null;
    }

    private void RememberPublicPath(string path)
    {
        if (_paths.TryAdd(path, true) && Interlocked.Increment(ref _count) > MaxPaths)
        {
            // The paths in use are added again quickly.
            _paths.Clear();
            Interlocked.Exchange(ref _count, 0);
        }
    }
}
