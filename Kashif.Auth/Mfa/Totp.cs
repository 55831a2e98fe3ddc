using OtpNet;

namespace Kashif.Auth.Mfa;

/// <summary>Time-based one-time passwords as every authenticator app makes them: RFC 6238 with SHA-1, 6 digits, 30 seconds.</summary>
internal static class Totp
{
    public const int Digits = 6;
    public const int StepSeconds = 30;

    /// <summary>RFC 4226 section 4, requirement R6 recommends 160 bits.</summary>
    public const int SecretBytes = 20;

    /// <summary>A clock may be one step off, either way.</summary>
    private static readonly VerificationWindow Drift = new(previous: 1, future: 1);

    /// <returns>The time step whose code this is, counted from the Unix epoch; null for a wrong or expired code.</returns>
    public static long? Match(byte[] secret, string code, DateTimeOffset now) =>
        new OtpNet.Totp(secret, StepSeconds, OtpHashMode.Sha1, Digits).VerifyTotp(now.UtcDateTime, code, out var step, Drift) ? step : null;

    /// <summary>RFC 4648 section 6, without padding: the form of a secret that apps take.</summary>
    public static string Base32(byte[] secret) => Base32Encoding.ToString(secret).TrimEnd('=');
}
