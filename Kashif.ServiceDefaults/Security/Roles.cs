namespace Kashif.Security;

/// <summary>The roles of the contract, as they stand in a token's <c>roles</c> claim.</summary>
public static class Roles
{
    public const string Citizen = "citizen";
    public const string Partner = "partner";
    public const string Staff = "staff";
    public const string Moderator = "moderator";
    public const string Admin = "admin";

    /// <summary>Another service of Kashif, by OAuth 2 client credentials; never a person.</summary>
    public const string Service = "service";
}

/// <summary>The authorization policies. The default and the fallback policy both require a signed-in person.</summary>
public static class Policies
{
    /// <summary>City staff: staff, moderator or admin.</summary>
    public const string Staff = "staff";
    public const string Admin = "admin";

    /// <summary>A person who has signed in, and not a program with their API key: for everything that decides about the account itself.</summary>
    public const string Session = "session";

    /// <summary>Another service only.</summary>
    public const string Service = "service";
}
