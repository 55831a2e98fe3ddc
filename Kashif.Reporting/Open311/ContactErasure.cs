using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Open311;

/// <summary>Erases the reporters of requests after <see cref="Open311Options.KeepContactsFor"/>.</summary>
internal sealed class ContactErasure(IServiceScopeFactory scopes, TimeProvider time, IOptions<Open311Options> options, ILogger<ContactErasure> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - options.Value.KeepContactsFor;
        return services.GetRequiredService<ReportingDbContext>().Open311Submissions
            .Where(row => row.CreatedAt < before && (row.Email != null || row.FirstName != null || row.LastName != null || row.Phone != null || row.DeviceId != null || row.AccountId != null))
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(row => row.Email, (string?)null).SetProperty(row => row.FirstName, (string?)null).SetProperty(row => row.LastName, (string?)null)
                    .SetProperty(row => row.Phone, (string?)null).SetProperty(row => row.DeviceId, (string?)null).SetProperty(row => row.AccountId, (string?)null),
                cancellationToken);
    }
}
