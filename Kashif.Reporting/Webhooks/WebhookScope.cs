using System.Security.Claims;
using Kashif.Messaging.Events;
using Kashif.Reporting.Managers;
using Kashif.Security;

namespace Kashif.Reporting.Webhooks;

/// <summary>
/// The one rule of who manages a webhook, and which events it gets. Admins manage all, an agency's managers their own. An agency's webhook gets the events of the
/// reports that are routed to it, the others all events.
/// </summary>
internal static class WebhookScope
{
    /// <summary>The policy: an admin, or a manager of an agency.</summary>
    public const string Policy = "webhooks";

    extension(ClaimsPrincipal user)
    {
        /// <summary>Whether the caller manages any webhooks.</summary>
        public bool ManagesWebhooks => user.IsInRole(Roles.Admin) || user.ManagedAgencyOrNull is not null;

        /// <summary>Whether the caller manages the webhooks of the agency, or of none.</summary>
        public bool ManagesWebhooksOf(Guid? agency) => user.IsInRole(Roles.Admin) || (agency is not null && agency == user.ManagedAgencyOrNull);
    }

    /// <summary>Only the webhooks that the caller manages.</summary>
    public static IQueryable<Webhook> ManagedBy(this IQueryable<Webhook> webhooks, ClaimsPrincipal user)
    {
        if (user.IsInRole(Roles.Admin))
        {
            return webhooks;
        }

        var agency = user.ManagedAgencyOrNull;
        return webhooks.Where(webhook => webhook.AgencyId != null && webhook.AgencyId == agency);
    }

    /// <summary>The agencies whose webhooks get an event.</summary>
    /// <param name="agency">The agency that the report is routed to; null for none, and for a report that is deleted.</param>
    public static Guid?[] AgenciesOf(IIntegrationEvent data, Guid? agency) => data switch
    {
        ReportRouted routed => [routed.AgencyId, routed.FormerAgencyId],
        ReportDeleted deleted => [agency ?? deleted.AgencyId],
        _ => [agency],
    };
}
