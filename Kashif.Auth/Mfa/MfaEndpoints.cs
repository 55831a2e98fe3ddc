using System.Security.Claims;
using Kashif.Auth.SignIn;
using Kashif.Auth.Tokens;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Kashif.Auth.Mfa;

/// <summary>The confirmation that a setup needs.</summary>
/// <param name="Password" example="a long enough password">The current password: a stolen session alone must not lock its owner out.</param>
public sealed record BeginTotpRequest([Text(1, PasswordAttribute.MaxLength)] string Password);

/// <summary>The first code of the app.</summary>
/// <param name="Code" example="123456">The code that the app shows.</param>
public sealed record ConfirmTotpRequest([Text(1, TokenRequest.MaxOtpLength)] string Code);

/// <summary>Both factors.</summary>
/// <param name="Password" example="a long enough password">The current password.</param>
/// <param name="Code" example="123456">The code that the app shows, or a recovery code.</param>
public sealed record SecondFactorRequest(
    [Text(1, PasswordAttribute.MaxLength)] string Password,
    [Text(1, TokenRequest.MaxOtpLength)] string Code);

/// <summary>The secret for an authenticator app.</summary>
/// <param name="Secret" example="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP">Base32, to type into the app.</param>
/// <param name="OtpauthUri" example="otpauth://totp/Kashif:amina@example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP">The same as a link that opens the app.</param>
/// <param name="QrCode" example="data:image/png;base64,iVBORw0KGgo=">The same as a QR code: a data URI with a PNG.</param>
internal sealed record TotpResponse(string Secret, string OtpauthUri, string QrCode);

/// <summary>Recovery codes.</summary>
/// <param name="RecoveryCodes" example='["ABCDE-FGHJK", "LMNPQ-RSTUV"]'>Ten codes. Each replaces a code of the app once. They are not shown again.</param>
internal sealed record RecoveryCodesResponse(string[] RecoveryCodes);

/// <summary>Users manage their own second factor.</summary>
internal static class MfaEndpoints
{
    private const string Issuer = "Kashif";

    private static readonly Error WrongCode = Error.Rule("invalid_otp", "The code is wrong, expired or already used.");
    private static readonly Error Enabled = Error.Conflict("totp_enabled", "An authenticator app is already set up. Remove it before you set up another one.");
    private static readonly Error NotEnabled = Error.Conflict("totp_not_enabled", "No authenticator app is set up.");

    public static RouteGroupBuilder MapMfa(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/mfa").WithTags("Two-factor").RequireAuthorization(Policies.Session).WithNoStore();
        group.MapPost("/totp", BeginAsync).WithName("BeginTotp").WithSummary("Start setting up an authenticator app")
            .WithDescription("Returns the secret for the app. Logins ask for a code only after the first one is confirmed.")
            .WithProblems(403, "email_not_verified").WithProblems(404, "not_found").WithProblems(409, "totp_enabled").WithPasswordProblems();
        group.MapPost("/totp/confirm", ConfirmAsync).WithName("ConfirmTotp").WithSummary("Confirm the authenticator app and get recovery codes")
            .WithProblems(403, "email_not_verified").WithProblems(404, "not_found").WithProblems(422, "invalid_otp");
        group.MapDelete("/totp", RemoveAsync).WithName("RemoveTotp").WithSummary("Remove the authenticator app")
            .WithProblems(409, "totp_not_enabled").WithProblems(422, "invalid_otp").WithPasswordProblems();
        group.MapPost("/recovery-codes", RenewAsync).WithName("RenewRecoveryCodes").WithSummary("Replace my recovery codes")
            .WithProblems(409, "totp_not_enabled").WithProblems(422, "invalid_otp").WithPasswordProblems();
        return group;
    }

    private static async Task<Results<Ok<TotpResponse>, ValidationProblem, ProblemHttpResult>> BeginAsync(
        BeginTotpRequest request, ClaimsPrincipal caller, PasswordLogin login, SecondFactor factor, UserReader users, CancellationToken cancellationToken)
    {
        if (login.ErrorFor(await login.ReauthenticateAsync(caller.UserId, request.Password, otp: null, cancellationToken)) is { } refused)
        {
            return refused.ToProblem();
        }

        if (await users.FindAsync(caller.UserId, cancellationToken) is not { } user)
        {
            return AccountProblems.Gone.ToProblem();
        }

        if (!user.EmailVerified)
        {
            return EmailProblems.NotVerified.ToProblem();
        }

        if (await factor.BeginAsync(caller.UserId, cancellationToken) is not { } bytes)
        {
            return Enabled.ToProblem();
        }

        var secret = Totp.Base32(bytes);
        var uri = $"otpauth://totp/{Issuer}:{Uri.EscapeDataString(user.Email)}?secret={secret}&issuer={Issuer}&algorithm=SHA1&digits={Totp.Digits}&period={Totp.StepSeconds}";
        return TypedResults.Ok(new TotpResponse(secret, uri, QrCode.ToDataUri(uri)));
    }

    private static async Task<Results<Ok<RecoveryCodesResponse>, ValidationProblem, ProblemHttpResult>> ConfirmAsync(
        ConfirmTotpRequest request, ClaimsPrincipal caller, SecondFactor factor, UserReader users, CancellationToken cancellationToken)
    {
        if (await users.FindAsync(caller.UserId, cancellationToken) is not { } user)
        {
            return AccountProblems.Gone.ToProblem();
        }

        if (!user.EmailVerified)
        {
            return EmailProblems.NotVerified.ToProblem();
        }

        return await factor.ConfirmAsync(caller.UserId, request.Code, cancellationToken) is { } codes
            ? TypedResults.Ok(new RecoveryCodesResponse(codes))
            : WrongCode.ToProblem();
    }

    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> RemoveAsync(
        [FromBody] SecondFactorRequest request, ClaimsPrincipal caller, PasswordLogin login, SecondFactor factor, CancellationToken cancellationToken)
    {
        if (await RefuseAsync(request, caller, login, cancellationToken) is { } error)
        {
            return error.ToProblem();
        }

        await factor.RemoveAsync(caller.UserId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<RecoveryCodesResponse>, ValidationProblem, ProblemHttpResult>> RenewAsync(
        SecondFactorRequest request, ClaimsPrincipal caller, PasswordLogin login, SecondFactor factor, CancellationToken cancellationToken) =>
        await RefuseAsync(request, caller, login, cancellationToken) is { } error
            ? error.ToProblem()
            : TypedResults.Ok(new RecoveryCodesResponse(await factor.RenewRecoveryCodesAsync(caller.UserId, cancellationToken)));

    private static async Task<Error?> RefuseAsync(SecondFactorRequest request, ClaimsPrincipal caller, PasswordLogin login, CancellationToken cancellationToken)
    {
        var result = await login.ReauthenticateAsync(caller.UserId, request.Password, request.Code, cancellationToken);
        return result switch
        {
            { Outcome: LoginOutcome.Succeeded, Account.HasTotp: true } => null,
            { Outcome: LoginOutcome.Succeeded } => NotEnabled,
            { Outcome: LoginOutcome.OtpWrong } => WrongCode,
            _ => login.ErrorFor(result),
        };
    }
}
