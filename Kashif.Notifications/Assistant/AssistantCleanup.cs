using Kashif.Messaging.Retention;
using Kashif.Notifications.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Notifications.Assistant;

/// <summary>Deletes old questions and replies.</summary>
internal sealed class AssistantCleanup(IServiceScopeFactory scopes, IOptions<AssistantOptions> options, TimeProvider time, ILogger<AssistantCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - options.Value.Retention;
        return services.GetRequiredService<NotificationsDbContext>().AssistantMessages.Where(message => message.CreatedAt < before).ExecuteDeleteAsync(cancellationToken);
    }
}
