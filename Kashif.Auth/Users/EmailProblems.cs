using Kashif.Http;

namespace Kashif.Auth.Users;

internal static class EmailProblems
{
    public static Error Taken { get; } = Error.Conflict("email_taken", "An account with this e-mail address already exists.");

    /// <summary>For what a stranger who registered somebody's address must not get.</summary>
    public static Error NotVerified { get; } = Error.Forbidden(
        "email_not_verified", "Verify your e-mail address first. Open the link in the e-mail, or ask for another one.");
}
