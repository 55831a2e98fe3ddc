using Kashif.Auth.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Audit;

/// <summary>
/// Deletes entries after <see cref="AuthOptions.AuditRetention"/>, and failed logins of unknown accounts after 30 days: anyone can
/// cause them, they contain IP addresses, and no deletion of an account erases them. The trigger of the table allows these after 30 days and
/// others after a year, by the clock of the database.
/// </summary>
internal sealed class AuditCleanup(
    IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<AuditCleanup> logger) : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<AuthDbContext>();
        await database.Database.ExecuteSqlAsync(
            $"""
            DELETE FROM audit_log WHERE user_id = {Guid.Empty} AND action = {AuditActions.LoginFailed} AND occurred_at < now() - interval '30 days'
            """, cancellationToken);

        // The ids (version 7) are in time order, so the primary key finds the old ones.
        var first = Guid.CreateVersion7(_time.GetUtcNow() - options.Value.AuditRetention);
        await database.Database.ExecuteSqlAsync(
            $"DELETE FROM audit_log WHERE id < {first} AND occurred_at < now() - {options.Value.AuditRetention}", cancellationToken);
    }
}
