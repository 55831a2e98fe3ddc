using System.Text.Json;

namespace Kashif.Validation;

internal static class WireName
{
    /// <summary><c>Address.PostalCode</c> → <c>address.postal_code</c>; names that are in wire form already stay as they are, and so do names of headers.</summary>
    public static string Of(string path) => path.Contains('-', StringComparison.Ordinal) ? path : string.Join('.', path.Split('.').Select(JsonNamingPolicy.SnakeCaseLower.ConvertName));
}
