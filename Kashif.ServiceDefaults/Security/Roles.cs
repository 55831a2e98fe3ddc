namespace Kashif.Security;

/// <summary>The values of a token's <c>roles</c> claim.</summary>
public static class Roles
{
    public const string Citizen = "citizen";
    public const string Partner = "partner";
    public const string Staff = "staff";

    /// <summary>Customer service. It gives no rights of staff: an admin gives both roles to those who need both.</summary>
    public const string Counter = "counter";
    public const string Moderator = "moderator";
    public const string Admin = "admin";

    /// <summary>Another service of Kashif, with OAuth 2 client credentials. No user has this role.</summary>
    public const string Service = "service";
}

/// <summary>
/// The authorization policies. The default and the fallback policy both require a user. <see cref="ServiceScopes"/> are policies too,
/// for other services.
/// </summary>
public static class Policies
{
    /// <summary>City staff: staff, moderator or admin.</summary>
    public const string Staff = "staff";

    /// <summary>Content moderation: moderator or admin.</summary>
    public const string Moderator = "moderator";
    public const string Admin = "admin";

    /// <summary>A partner of a company, or an admin. The service also checks which company.</summary>
    public const string Partner = "partner";

    /// <summary>Customer service, or an admin: makes accounts for people who report by phone or at the counter, and files in their name.</summary>
    public const string Counter = "counter";

    /// <summary>A user in a session, not with an API key. For endpoints that manage the account.</summary>
    public const string Session = "session";
}
