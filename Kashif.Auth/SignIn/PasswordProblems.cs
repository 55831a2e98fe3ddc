using Kashif.Http;

namespace Kashif.Auth.SignIn;

internal static class PasswordProblems
{
    /// <summary>Documents the errors of <see cref="PasswordLogin.ErrorFor"/>.</summary>
    public static RouteHandlerBuilder WithPasswordProblems(this RouteHandlerBuilder builder) =>
        builder.WithProblems(422, "wrong_password").WithProblems(429, "too_many_attempts");
}
