using Kashif.Auth.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Audit;

/// <summary>
/// Deletes failed logins of unknown accounts after 30 days: anyone can cause them, they contain IP addresses, and no deletion of an
/// account erases them. The trigger of the table allows nothing else, by the clock of the database.
/// </summary>
internal sealed class AuditCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<AuditCleanup> logger) : HourlyService(scopes, time, logger)
{
    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken) =>
        services.GetRequiredService<AuthDbContext>().Database.ExecuteSqlAsync(
            $"""
            DELETE FROM audit_log WHERE user_id = {Guid.Empty} AND action = {AuditActions.LoginFailed} AND occurred_at < now() - interval '30 days'
            """, cancellationToken);
}
