using Kashif.Gamification.Data;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Partners;

/// <summary>Keeps the newest state of each partner: events arrive in any order, and more than once.</summary>
internal sealed class CompanyPartners(GamificationDbContext database) : IEventHandler<CompanyPartnerUpdated>
{
    public Task HandleAsync(IReadOnlyList<ReceivedEvent<CompanyPartnerUpdated>> events, CancellationToken cancellationToken)
    {
        // In one order, so that two batches wait for each other instead of deadlocking.
        var newest = events.Select(received => received.Data).GroupBy(data => (data.CompanyId, data.UserId)).OrderBy(partner => partner.Key)
            .Select(partner => partner.OrderBy(data => data.Version).Last()).ToList();
        return database.Database.ExecuteSqlAsync($"""
            INSERT INTO company_partners AS held (company_id, user_id, is_partner, version)
            SELECT * FROM unnest({newest.ConvertAll(data => data.CompanyId)}, {newest.ConvertAll(data => data.UserId)}, {newest.ConvertAll(data => data.IsPartner)}, {newest.ConvertAll(data => data.Version)})
            ON CONFLICT (user_id, company_id) DO UPDATE SET is_partner = excluded.is_partner, version = excluded.version WHERE held.version < excluded.version
            """, cancellationToken);
    }
}
