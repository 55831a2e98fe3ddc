using Kashif.Http;

namespace Kashif.Auth.Users;

internal static class AccountProblems
{
    /// <summary>The account of the caller was deleted since the access token was issued.</summary>
    public static Error Gone { get; } = Error.NotFound("This account no longer exists.");
}
