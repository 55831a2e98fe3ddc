using System.Security.Cryptography;
using System.Text;

namespace Kashif.Reporting.AuditTrail;

/// <summary>The id, in the audit trail, of something that has a code instead of an id, such as a category.</summary>
internal static class CodeId
{
    /// <returns>The same for the same code.</returns>
    public static Guid Of(string code) => new(SHA256.HashData(Encoding.UTF8.GetBytes(code)).AsSpan(0, 16));
}
