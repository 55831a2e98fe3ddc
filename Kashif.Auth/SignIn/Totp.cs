using OtpNet;

namespace Kashif.Auth.SignIn;

/// <summary>Time-based one-time passwords (RFC 6238) with the parameters that all authenticator apps support: SHA-1, 6 digits, 30 seconds.</summary>
internal static class Totp
{
    public const int Digits = 6;
    public const int StepSeconds = 30;

    /// <summary>RFC 4226 section 4, requirement R6 recommends 160 bits.</summary>
    public const int SecretBytes = 20;

    /// <summary>The clock of a phone may be one step early or late.</summary>
    private const int DriftSteps = 1;

    /// <returns>The time step of the code, counted from the Unix epoch; null for a wrong or expired code.</returns>
    public static long? Match(byte[] secret, string code, DateTimeOffset now) =>
        new OtpNet.Totp(secret, StepSeconds, OtpHashMode.Sha1, Digits).VerifyTotp(now.UtcDateTime, code, out var step, new VerificationWindow(DriftSteps, DriftSteps)) ? step : null;

    /// <summary>The newest step that <see cref="Match"/> accepts now. A later one was accepted while the clock was ahead and does not count.</summary>
    public static long NewestStep(DateTimeOffset now) => (now.ToUnixTimeSeconds() / StepSeconds) + DriftSteps;

    /// <summary>RFC 4648 section 6 without padding, which apps expect.</summary>
    public static string Base32(byte[] secret) => Base32Encoding.ToString(secret).TrimEnd('=');
}
