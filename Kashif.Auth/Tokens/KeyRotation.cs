using System.Diagnostics;
using System.Globalization;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>Why a rotation is asked for.</summary>
internal enum RotationReason
{
    /// <summary>Makes a key only if none signs yet.</summary>
    Startup,

    /// <summary>Makes a key if the newest one is old enough.</summary>
    Schedule,

    /// <summary>An operator or admin asks. A key that is published but does not sign yet is the answer.</summary>
    Request,

    /// <summary>A key has leaked: all present keys, and the tokens they signed, become invalid at once.</summary>
    Emergency,
}

/// <summary>
/// Rotates the signing keys, one rotation at a time over all replicas. A new key is published at once and signs after
/// <see cref="KeyRotationOptions.Propagation"/>; its predecessors stay published until the last token they signed has expired.
/// </summary>
internal sealed partial class KeyRotation(
    AuthDbContext database, SigningKeyCache cache, AuditLog audit, IOptions<AuthOptions> options, TimeProvider time, ILogger<KeyRotation> logger)
{
    /// <param name="admin">The admin who asks; null for the schedule and the command line.</param>
    /// <returns>The newest key, whether it is new or existed.</returns>
    public async Task<StoredSigningKey> RotateAsync(RotationReason reason, Guid? admin, CancellationToken cancellationToken)
    {
        await using var transaction = await database.BeginExclusiveAsync(AdvisoryLock.Startup, cancellationToken);
        var now = time.GetUtcNow();
        var keys = await database.SigningKeys
            .Where(key => key.RetiredAt == null || key.RetiredAt > now)
            .OrderByDescending(key => key.ActiveFrom)
            .ToListAsync(cancellationToken);
        if (ActiveFrom(reason, keys, now) is not { } activeFrom)
        {
            return keys[0];
        }

        var retired = reason is RotationReason.Emergency ? now : activeFrom + options.Value.LongestTokenLifetime + options.Value.KeyRotation.Poll + Margin;
        foreach (var key in keys.Where(key => key.RetiredAt is null || key.RetiredAt > retired))
        {
            key.RetiredAt = retired;
        }

        var created = StoredSigningKey.Create(options.Value.Secrets, now, activeFrom);
        database.SigningKeys.Add(created);
        audit.Record(admin ?? Guid.Empty, AuditActions.SigningKeyRotated, new Dictionary<string, string>
        {
            ["key_id"] = created.Id,
            ["emergency"] = (reason is RotationReason.Emergency).ToString().ToLowerInvariant(),
        });

        await database.SigningKeys.Where(key => key.RetiredAt < now).ExecuteDeleteAsync(cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        KeyCreated(logger, created.Id, reason, activeFrom.ToString("u", CultureInfo.InvariantCulture));
        await cache.RefreshAsync(TimeSpan.Zero, cancellationToken);
        return created;
    }

    /// <summary>For clock differences between machines.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <returns>When a new key would start to sign; null if none is needed.</returns>
    private DateTimeOffset? ActiveFrom(RotationReason reason, List<StoredSigningKey> keys, DateTimeOffset now)
    {
        var settings = options.Value.KeyRotation;
        return reason switch
        {
            RotationReason.Emergency => now,
            _ when !keys.Exists(key => key.ActiveFrom <= now) => now,
            RotationReason.Startup => null,
            RotationReason.Request => keys[0].ActiveFrom > now ? null : now + settings.Propagation,
            RotationReason.Schedule => settings.Every > TimeSpan.Zero && keys[0].ActiveFrom + settings.Every <= now ? now + settings.Propagation : null,
            _ => throw new UnreachableException(),
        };
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Created signing key {KeyId} ({Reason}); it signs from {ActiveFrom}")]
    private static partial void KeyCreated(ILogger logger, string keyId, RotationReason reason, string activeFrom);
}

/// <summary>At start, creates the first key and loads all keys. Then polls for changes by other replicas and rotates on schedule.</summary>
internal sealed partial class KeyRotationSchedule(
    IServiceScopeFactory scopes, SigningKeyCache cache, IOptions<AuthOptions> options, TimeProvider time, ILogger<KeyRotationSchedule> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RotateAsync(RotationReason.Startup, cancellationToken);
        await cache.RefreshAsync(TimeSpan.Zero, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.KeyRotation.Poll, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await cache.RefreshAsync(options.Value.KeyRotation.Poll / 2, stoppingToken);
                await RotateAsync(RotationReason.Schedule, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                PollFailed(logger, exception);
            }
        }
    }

    private async Task RotateAsync(RotationReason reason, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<KeyRotation>().RotateAsync(reason, admin: null, cancellationToken);
    }

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "Could not read or rotate the signing keys; retrying at the next poll")]
    private static partial void PollFailed(ILogger logger, Exception exception);
}
