using System.Security.Cryptography;

namespace Kashif.Coupons.Codes;

/// <summary>Codes that are easy to read out and hard to guess: 60 random bits in Crockford's base 32.</summary>
/// <remarks>https://www.crockford.com/base32.html</remarks>
internal static class RedemptionCode
{
    private const int Length = 12;
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    public static string Create() => RandomNumberGenerator.GetString(Alphabet, Length);
}
