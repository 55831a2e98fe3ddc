using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Notifications.Devices;

/// <summary>A session that has ended, whose access token may register no device until it expires.</summary>
internal sealed class EndedSession
{
    public Guid SessionId { get; init; }

    /// <summary>When this service learned of it.</summary>
    public DateTimeOffset EndedAt { get; init; }
}

internal sealed class EndedSessionConfiguration : IEntityTypeConfiguration<EndedSession>
{
    public void Configure(EntityTypeBuilder<EndedSession> builder)
    {
        builder.ToTable("ended_sessions");
        builder.HasKey(session => session.SessionId);
        builder.Property(session => session.SessionId).ValueGeneratedNever();
        builder.HasIndex(session => session.EndedAt);
    }
}

/// <summary>Deletes ended sessions when no access token of theirs can be valid.</summary>
internal sealed class EndedSessionCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<EndedSessionCleanup> logger) : HourlyService(scopes, time, logger)
{
    /// <summary>Much longer than the lifetime of an access token.</summary>
    private static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - Retention;
        await services.GetRequiredService<NotificationsDbContext>().EndedSessions.Where(session => session.EndedAt < before).ExecuteDeleteAsync(cancellationToken);
    }
}
