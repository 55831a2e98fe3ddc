using System.Text.Json;
using Kashif.Messaging.Retention;
using Kashif.Reporting.Data;
using Kashif.Reporting.Questions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Open311;

/// <summary>Erases the reporters of requests, and what they wrote for the city alone, after <see cref="Open311Options.KeepContactsFor"/>.</summary>
internal sealed class ContactErasure(IServiceScopeFactory scopes, TimeProvider time, IOptions<Open311Options> options, ILogger<ContactErasure> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var before = _time.GetUtcNow() - options.Value.KeepContactsFor;
        var database = services.GetRequiredService<ReportingDbContext>();
        var old = database.Open311Submissions
            .Where(row => row.CreatedAt < before && (row.Email != null || row.FirstName != null || row.LastName != null || row.Phone != null || row.DeviceId != null || row.AccountId != null
                || row.Answers != null));
        var answered = await old.Where(row => row.Answers != null && row.ReportId != null).Select(row => row.ReportId ?? Guid.Empty).ToArrayAsync(cancellationToken);
        await ReportAnswers.EraseAsync(database, answered, cancellationToken);
        await old
            .ExecuteUpdateAsync(
                set => set
                    .SetProperty(row => row.Email, (string?)null).SetProperty(row => row.FirstName, (string?)null).SetProperty(row => row.LastName, (string?)null)
                    .SetProperty(row => row.Phone, (string?)null).SetProperty(row => row.DeviceId, (string?)null).SetProperty(row => row.AccountId, (string?)null)
                    .SetProperty(row => row.Answers, (JsonElement?)null),
                cancellationToken);
    }
}
