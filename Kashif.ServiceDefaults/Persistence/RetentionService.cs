using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kashif.Persistence;

/// <summary>Once an hour forgets the idempotency keys and handled events whose time is over.</summary>
internal sealed partial class RetentionService<TContext>(
    IServiceScopeFactory scopes, TimeProvider time, IOptions<DatabaseOptions> options, ILogger<RetentionService<TContext>> logger) : BackgroundService
    where TContext : DbContext
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ForgetAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                RetentionFailed(logger, exception);
            }
        }
    }

    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        var now = time.GetUtcNow();

        var keysBefore = now - options.Value.IdempotencyRetention;
        await context.Set<IdempotencyRecord>().Where(record => record.CreatedAt < keysBefore).ExecuteDeleteAsync(cancellationToken);

        var eventsBefore = now - options.Value.InboxRetention;
        await context.Set<InboxEntry>().Where(entry => entry.ProcessedAt < eventsBefore).ExecuteDeleteAsync(cancellationToken);
    }

    [LoggerMessage(EventId = 1301, Level = LogLevel.Warning, Message = "Old idempotency keys and inbox rows could not be deleted; tried again in an hour")]
    private static partial void RetentionFailed(ILogger logger, Exception exception);
}
