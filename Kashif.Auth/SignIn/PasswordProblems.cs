using Kashif.Http;

namespace Kashif.Auth.SignIn;

internal static class PasswordProblems
{
    /// <summary>The password that was just confirmed is no longer the account's.</summary>
    public static Error PasswordChanged { get; } = Error.Conflict("password_changed", "The password was changed or reset at the same time. Try again.");

    /// <summary>Documents the errors of <see cref="PasswordLogin.ErrorFor"/>.</summary>
    public static RouteHandlerBuilder WithPasswordProblems(this RouteHandlerBuilder builder) =>
        builder.WithProblems(422, "wrong_password").WithProblems(429, "too_many_attempts");
}
