using Kashif.Messaging.Consumers;
using Kashif.Messaging.Idempotency;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kashif.Messaging.Retention;

/// <summary>Deletes expired idempotency keys and inbox entries.</summary>
internal sealed class RetentionService<TContext>(
    IServiceScopeFactory scopes, TimeProvider time, IOptions<DatabaseOptions> options, ILogger<RetentionService<TContext>> logger)
    : HourlyService(scopes, time, logger)
    where TContext : DbContext
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var context = services.GetRequiredService<TContext>();
        var now = _time.GetUtcNow();

        var keysBefore = now - options.Value.IdempotencyRetention;
        await context.Set<IdempotencyRecord>().Where(record => record.CreatedAt < keysBefore).ExecuteDeleteAsync(cancellationToken);

        var eventsBefore = now - options.Value.InboxRetention;
        await context.Set<InboxEntry>().Where(entry => entry.ProcessedAt < eventsBefore).ExecuteDeleteAsync(cancellationToken);
    }
}
