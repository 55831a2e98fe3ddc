using Kashif.Auth.Data;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.EmailLinks;

/// <summary>Deletes expired tokens.</summary>
internal sealed class EmailTokenCleanup(IServiceScopeFactory scopes, TimeProvider time, ILogger<EmailTokenCleanup> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await services.GetRequiredService<AuthDbContext>().EmailTokens.Where(token => token.ExpiresAt < now).ExecuteDeleteAsync(cancellationToken);
    }
}
