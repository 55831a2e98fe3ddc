using Kashif.Http;

namespace Kashif.Auth.Users;

internal static class EmailProblems
{
    public static Error Taken { get; } = Error.Conflict("email_taken", "An account with this e-mail address already exists.");

    public static Error InvalidToken { get; } = Error.Rule("invalid_token", "This link is invalid, expired or already used. Request a new one.");

    /// <summary>A stranger may have registered the address, and its owner may open the link. Without the password the address stays unverified.</summary>
    public static Error PasswordRequired { get; } = Error.Forbidden(
        "password_required", "Enter the password of the account. If you did not register, ignore the e-mail: the address stays unverified.");

    /// <summary>A stranger may have registered the address: for actions that only its owner may take.</summary>
    public static Error NotVerified { get; } = Error.Forbidden(
        "email_not_verified", "Verify your e-mail address first. Open the link in the e-mail, or ask for another one.");
}
