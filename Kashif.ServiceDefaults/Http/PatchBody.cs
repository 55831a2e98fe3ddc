using Microsoft.AspNetCore.Http;

namespace Kashif.Http;

/// <summary>What a bound PATCH request does not tell.</summary>
public static class PatchBody
{
    /// <summary>Whether a valid body sets the field to null, and does not just leave it out.</summary>
    /// <param name="field">Its wire name.</param>
    public static bool Clears(this HttpContext http, string field) => http.Features.Get<JsonBody>()?.SetsToNull(field) == true;
}
