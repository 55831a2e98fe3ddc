using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Kashif.Security;

/// <summary>
/// This process's copy of the keys that validate tokens. It is refreshed in the background when it is no longer fresh, and at
/// once, before the request is answered, for a token with an unknown key. So a new key never causes a refusal, however soon it
/// signs. (IdentityModel's configuration managers differ in this by version, and let the first such request fail.)
/// </summary>
public abstract partial class SigningKeys(TimeProvider time, ILogger logger) : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    /// <summary>Between two refreshes: forged key ids cost one refresh a second, however many there are.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Known? _known;
    private long? _attempted;
    private ExceptionDispatchInfo? _failure;

    /// <summary>The greatest age of keys that validate a token.</summary>
    protected abstract TimeSpan Freshness { get; }

    /// <summary>Reads the published keys; never called concurrently.</summary>
    protected abstract Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancellationToken);

    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(CancellationToken cancel)
    {
        if (_known is not { } known)
        {
            await RefreshAsync(Freshness, cancel);
            return (_known ?? throw new InvalidOperationException("There are no keys.")).Configuration;
        }

        if (time.GetElapsedTime(known.ReadAt) >= Freshness)
        {
            _ = RefreshInBackgroundAsync();
        }

        return known.Configuration;
    }

    /// <summary>Does nothing: <see cref="LookUpAsync"/> has refreshed already.</summary>
    public void RequestRefresh()
    {
    }

    /// <summary>Reads the keys where those in memory are older than this.</summary>
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

    /// <summary>The same where that is possible; else those in memory go on.</summary>
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

    /// <summary>Ends when the key is known, or has been found not to be published.</summary>
    internal Task LookUpAsync(string keyId, CancellationToken cancellationToken) =>
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

            // One refresh serves all requests from before it began; a failed one says nothing about their keys.
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

    private async Task RefreshInBackgroundAsync()
    {
        Activity.Current = null; // a background refresh is not part of the request's trace
        if (!await _reading.WaitAsync(TimeSpan.Zero))
        {
            return; // another thread is refreshing
        }

        try
        {
            await ReadHeldAsync();
        }
        catch (Exception exception)
        {
            NotRead(logger, exception);
            _known = _known is { } known ? known with { ReadAt = time.GetTimestamp() } : null; // retried when no longer fresh
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Shared by all waiting requests: not cancelled when the first one disconnects.</summary>
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

    [LoggerMessage(EventId = 1501, Level = LogLevel.Warning, Message = "Could not refresh the signing keys; using the known ones")]
    private static partial void NotRead(ILogger logger, Exception exception);
}
