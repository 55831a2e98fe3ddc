using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Kashif.Security;

/// <summary>
/// A cache of the keys that validate tokens. Old keys are refreshed in the background. Very old keys, which a service without requests
/// has, are refreshed before they are used, so that a revoked key is not accepted after an idle hour. A token with an unknown key id refreshes them at
/// once, before it is validated, so tokens with a new key are accepted from the start. (IdentityModel's configuration managers reject the
/// first such token, and differ between versions.)
/// </summary>
public abstract partial class TokenValidationKeys(TimeProvider time, ILogger logger) : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    /// <summary>The minimum time between refreshes for unknown key ids, which may be forged.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>How long a request waits for a refresh of very old keys before it uses them.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Known? _known;
    private long? _attempted;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Older keys are refreshed in the background; keys of twice this age before they are used.</summary>
    protected abstract TimeSpan Freshness { get; }

    /// <summary>Reads the published keys. Never called concurrently.</summary>
    protected abstract Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancellationToken);

    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel)
    {
        if (_known is not { } known)
        {
            await RefreshAsync(Freshness, cancel);
            return (_known ?? throw new InvalidOperationException("There are no keys.")).Configuration;
        }

        var age = time.GetElapsedTime(known.ReadAt);
        if (age >= 2 * Freshness)
        {
            await RefreshOldAsync().WaitAsync(LongestWait, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
        }
        else if (age >= Freshness && _reading.CurrentCount > 0)
        {
            _ = RefreshOldAsync();
        }

        return _known?.Configuration ?? known.Configuration;
    }

    /// <summary>Does nothing: <see cref="RefreshIfUnknownAsync"/> has already refreshed the keys.</summary>
    public void RequestRefresh()
    {
    }

    /// <summary>Reads the keys if the cached keys are older than <paramref name="maxAge"/>.</summary>
    public async Task RefreshAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (_known is not { } known || time.GetElapsedTime(known.ReadAt) >= maxAge)
            {
                await ReadHeldAsync();
            }
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Like <see cref="RefreshAsync"/>, but logs a failure and keeps the cached keys.</summary>
    public async Task TryRefreshAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        try
        {
            await RefreshAsync(maxAge, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            NotRead(logger, exception);
        }
    }

    /// <summary>Completes when the key is known or known to be unpublished.</summary>
    internal Task RefreshIfUnknownAsync(string keyId, CancellationToken cancellationToken) =>
        Knows(keyId) ? Task.CompletedTask : FindAsync(keyId, cancellationToken);

    private async Task FindAsync(string keyId, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (Knows(keyId))
            {
                return;
            }

            // A refresh that began after this call is good enough. If it failed, the key may still be valid.
            if (_attempted > asked)
            {
                _failure?.Throw();
                return;
            }

            if (_attempted is { } last && Pause - time.GetElapsedTime(last) is var rest && rest > TimeSpan.Zero)
            {
                await Task.Delay(rest, time, cancellationToken);
            }

            await ReadHeldAsync();
        }
        finally
        {
            _reading.Release();
        }
    }

    private bool Knows(string keyId) => _known?.KeyIds.Contains(keyId) == true;

    private async Task RefreshOldAsync()
    {
        Activity.Current = null; // not part of the request's trace
        await _reading.WaitAsync();
        try
        {
            if (_known is { } old && time.GetElapsedTime(old.ReadAt) >= Freshness)
            {
                await ReadHeldAsync();
            }
        }
        catch (Exception exception)
        {
            NotRead(logger, exception);
            _known = _known is { } known ? known with { ReadAt = time.GetTimestamp() } : null; // do not retry before Freshness has passed
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Not cancelled when the first request disconnects: other requests wait for it too.</summary>
    private async Task ReadHeldAsync()
    {
        var now = time.GetTimestamp();
        _attempted = now;
        try
        {
            var configuration = await ReadAsync(CancellationToken.None);
            _known = new Known(configuration, [.. configuration.SigningKeys.Select(key => key.KeyId)], now);
            _failure = null;
        }
        catch (Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
            throw;
        }
    }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reading.Dispose();
        }
    }

    private sealed record Known(OpenIdConnectConfiguration Configuration, HashSet<string> KeyIds, long ReadAt);

    [LoggerMessage(EventId = 1501, Level = LogLevel.Warning, Message = "Could not refresh the signing keys; using the cached keys")]
    private static partial void NotRead(ILogger logger, Exception exception);
}
