using System.Security.Claims;

namespace Kashif.Security;

/// <summary>The claims of an access token.</summary>
public static class KashifClaims
{
    /// <summary>The user's id; for a service its client id.</summary>
    public const string Subject = "sub";
    public const string Role = "roles";

    /// <summary>The session (the refresh token's family) that the token was issued in.</summary>
    public const string Session = "sid";

    /// <summary>The id of the API key that the token was issued for; only in such tokens.</summary>
    public const string ApiKey = "api_key";

    /// <summary>The scopes of the API key: some of <see cref="Scopes.All"/>, with spaces between them (RFC 9068 section 2.2.3).</summary>
    public const string Scope = "scope";

    /// <summary>The audience of every access token.</summary>
    public const string Audience = "kashif";

    extension(ClaimsPrincipal principal)
    {
        /// <summary>The signed-in user's id.</summary>
        /// <exception cref="InvalidOperationException">No signed-in user: the endpoint admits anonymous callers or services.</exception>
        public Guid UserId => principal.UserIdOrNull
            ?? throw new InvalidOperationException("The endpoint asks for a user where none is required.");

        /// <summary>The signed-in user's id, or null for an anonymous caller or a service.</summary>
        public Guid? UserIdOrNull => Guid.TryParse(principal.FindFirst(Subject)?.Value, out var id) ? id : null;

        /// <summary>The session of the signed-in user; null for services and API keys.</summary>
        public Guid? SessionId => Guid.TryParse(principal.FindFirst(Session)?.Value, out var id) ? id : null;

        /// <summary>City staff, moderator or admin.</summary>
        public bool IsStaff => principal.IsInRole(Roles.Staff) || principal.IsInRole(Roles.Moderator) || principal.IsInRole(Roles.Admin);
    }
}
