using System.Security.Claims;
using Kashif.Security;

namespace Kashif.Reporting.Managers;

/// <summary>
/// The one rule of who manages an agency's employees, crews, vehicles and texts: moderators and admins all, an agency's managers their own. Webhooks have
/// their own rule, without moderators.
/// </summary>
internal static class ManagerScope
{
    /// <summary>The claim of a manager of an agency, with its id.</summary>
    public const string Claim = "manages";

    /// <summary>The policy: a moderator, an admin, or a manager of an agency.</summary>
    public const string Policy = "manager";

    extension(ClaimsPrincipal user)
    {
        /// <summary>The agency that the caller manages; null for none, and for moderators and admins, who manage all.</summary>
        public Guid? ManagedAgencyOrNull => user.IsModerator ? null : Guid.TryParse(user.FindFirst(Claim)?.Value, out var id) ? id : null;

        /// <summary>Whether the caller manages what belongs to the agency. What belongs to none, moderators and admins manage.</summary>
        public bool Manages(Guid? agency) => user.IsModerator || (agency is not null && agency == user.ManagedAgencyOrNull);
    }
}
