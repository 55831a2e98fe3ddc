using System.Diagnostics;
using System.Globalization;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>Why a key may be made.</summary>
internal enum KeyOccasion
{
    /// <summary>Where none signs yet.</summary>
    Start,

    /// <summary>Where the newest is old enough.</summary>
    Schedule,

    /// <summary>Somebody asks for it; one that waits for its time already is the answer.</summary>
    Demand,

    /// <summary>The others are in wrong hands: they and their tokens are worth nothing from now on.</summary>
    Emergency,
}

/// <summary>
/// Makes keys, one at a time over all replicas. A new key is published at once and signs when everybody must have seen it; its
/// predecessors are published until the last of their tokens has expired.
/// </summary>
internal sealed partial class KeyRotation(
    AuthDbContext database, KeyRing ring, AuditLog audit, IOptions<AuthOptions> options, TimeProvider time, ILogger<KeyRotation> logger)
{
    /// <param name="admin">Who asks, where it is not the service itself.</param>
    /// <returns>The newest key, made now or before.</returns>
    public async Task<SigningKey> RotateAsync(KeyOccasion occasion, Guid? admin, CancellationToken cancellationToken)
    {
        await using var transaction = await database.BeginExclusiveAsync(cancellationToken);
        var now = time.GetUtcNow();
        var keys = await database.SigningKeys
            .Where(key => key.RetiredAt == null || key.RetiredAt > now)
            .OrderByDescending(key => key.ActiveFrom)
            .ToListAsync(cancellationToken);
        if (ActiveFrom(occasion, keys, now) is not { } activeFrom)
        {
            return keys[0];
        }

        var retired = occasion is KeyOccasion.Emergency ? now : activeFrom + options.Value.LongestTokenLifetime + options.Value.KeyRotation.Poll + Margin;
        foreach (var key in keys.Where(key => key.RetiredAt is null || key.RetiredAt > retired))
        {
            key.RetiredAt = retired;
        }

        var created = SigningKey.Create(options.Value.SigningKeySecret, now, activeFrom);
        database.SigningKeys.Add(created);
        audit.Record(admin ?? Guid.Empty, AuditActions.SigningKeyRotated, new Dictionary<string, string> // the schedule and operators have no account
        {
            ["key_id"] = created.Id,
            ["emergency"] = (occasion is KeyOccasion.Emergency).ToString().ToLowerInvariant(),
        });

        await database.SigningKeys.Where(key => key.RetiredAt < now).ExecuteDeleteAsync(cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        KeyCreated(logger, created.Id, occasion, activeFrom.ToString("u", CultureInfo.InvariantCulture));
        await ring.RefreshAsync(TimeSpan.Zero, cancellationToken);
        return created;
    }

    /// <summary>Clocks differ.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    /// <returns>When a new key would sign; null where none is to be made.</returns>
    private DateTimeOffset? ActiveFrom(KeyOccasion occasion, List<SigningKey> keys, DateTimeOffset now)
    {
        var settings = options.Value.KeyRotation;
        return occasion switch
        {
            KeyOccasion.Emergency => now,
            _ when !keys.Exists(key => key.ActiveFrom <= now) => now,
            KeyOccasion.Start => null,
            KeyOccasion.Demand => keys[0].ActiveFrom > now ? null : now + settings.Propagation,
            KeyOccasion.Schedule => settings.Every > TimeSpan.Zero && keys[0].ActiveFrom + settings.Every <= now ? now + settings.Propagation : null,
            _ => throw new UnreachableException(),
        };
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Information, Message = "Created signing key {KeyId} ({Occasion}), which signs from {ActiveFrom}")]
    private static partial void KeyCreated(ILogger logger, string keyId, KeyOccasion occasion, string activeFrom);
}

/// <summary>Makes the first key and reads all before anything is signed; then keeps them as the database has them, and on schedule.</summary>
internal sealed partial class KeyRotationSchedule(
    IServiceScopeFactory scopes, KeyRing ring, IOptions<AuthOptions> options, TimeProvider time, ILogger<KeyRotationSchedule> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RotateAsync(KeyOccasion.Start, cancellationToken);
        await ring.RefreshAsync(TimeSpan.Zero, cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.KeyRotation.Poll, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ring.RefreshAsync(options.Value.KeyRotation.Poll, stoppingToken);
                await RotateAsync(KeyOccasion.Schedule, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                PollFailed(logger, exception);
            }
        }
    }

    private async Task RotateAsync(KeyOccasion occasion, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<KeyRotation>().RotateAsync(occasion, admin: null, cancellationToken);
    }

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "The signing keys could not be read or rotated; tried again at the next pass")]
    private static partial void PollFailed(ILogger logger, Exception exception);
}
