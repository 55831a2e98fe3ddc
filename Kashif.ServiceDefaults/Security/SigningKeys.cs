using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace Kashif.Security;

/// <summary>
/// The keys that validate tokens, as this process knows them: read again in the background when they are no longer fresh, and
/// at once, before the request is judged, for a token whose key is not among them. So a new key fails nobody, however soon it
/// signs. (The configuration managers of IdentityModel differ in this by version, and let the first such request fail.)
/// </summary>
public abstract partial class SigningKeys(TimeProvider time, ILogger logger) : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    /// <summary>Between two readings: made-up key ids cost one a second, however many there are.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Known? _known;
    private long? _attempted;
    private ExceptionDispatchInfo? _failure;

    /// <summary>How old the keys may be when a token is judged by them.</summary>
    protected abstract TimeSpan Freshness { get; }

    /// <summary>Reads the keys that are published now; never called twice at once.</summary>
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

    /// <summary>Nothing: <see cref="LookUpAsync"/> has looked already.</summary>
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

            // One reading answers everybody who has asked before it began; one that failed says nothing about their keys.
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
        Activity.Current = null; // the request that found the keys old does not wait for this: its trace must not show it
        if (!await _reading.WaitAsync(TimeSpan.Zero))
        {
            return; // somebody else is at it
        }

        try
        {
            await ReadHeldAsync();
        }
        catch (Exception exception)
        {
            NotRead(logger, exception);
            _known = _known is { } known ? known with { ReadAt = time.GetTimestamp() } : null; // tried again when that is over
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>For all who wait: it is not given up when the one who came first hangs up.</summary>
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

    [LoggerMessage(EventId = 1501, Level = LogLevel.Warning, Message = "The signing keys could not be read again; those known go on")]
    private static partial void NotRead(ILogger logger, Exception exception);
}
