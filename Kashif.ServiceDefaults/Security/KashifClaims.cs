using System.Security.Claims;

namespace Kashif.Security;

/// <summary>The claims of an access token.</summary>
public static class KashifClaims
{
    /// <summary>The user's id, or the client id of a service.</summary>
    public const string Subject = "sub";
    public const string Role = "roles";

    /// <summary>The session: the refresh token's family.</summary>
    public const string Session = "sid";

    /// <summary>The id of the API key; only in tokens issued for an API key.</summary>
    public const string ApiKey = "api_key";

    /// <summary>The scopes of the API key or the service, separated by spaces (RFC 9068 section 2.2.3).</summary>
    public const string Scope = "scope";

    /// <summary>The audience of every access token.</summary>
    public const string Audience = "kashif";

    extension(ClaimsPrincipal principal)
    {
        /// <summary>The signed-in user's id.</summary>
        /// <exception cref="InvalidOperationException">The caller is anonymous or a service.</exception>
        public Guid UserId => principal.UserIdOrNull
            ?? throw new InvalidOperationException("The endpoint reads the user id, but its policy does not require a user.");

        /// <summary>The signed-in user's id, or null for an anonymous caller or a service.</summary>
        public Guid? UserIdOrNull => Guid.TryParse(principal.FindFirst(Subject)?.Value, out var id) ? id : null;

        /// <summary>The signed-in user's session, or null for a service or an API key.</summary>
        public Guid? SessionId => Guid.TryParse(principal.FindFirst(Session)?.Value, out var id) ? id : null;

        /// <summary>Whether the token of an API key or a service has the scope.</summary>
        public bool HasScope(string scope) => principal.FindFirst(Scope)?.Value.Split(' ').Contains(scope) == true;

        /// <summary>City staff, moderator or admin.</summary>
        public bool IsStaff => principal.IsInRole(Roles.Staff) || principal.IsModerator;

        /// <summary>Moderator or admin.</summary>
        public bool IsModerator => principal.IsInRole(Roles.Moderator) || principal.IsInRole(Roles.Admin);
    }
}
