using Kashif.Http;

namespace Kashif.Auth.Audit;

/// <summary>The address and device of the client, as stored with sessions and audit entries.</summary>
internal static class ClientInfo
{
    public const int MaxAddressLength = 45;
    public const int MaxUserAgentLength = 400;

    extension(HttpContext http)
    {
        public string? ClientIpAddress => http.Connection.RemoteIpAddress?.ToString();

        public string? ClientUserAgent => http.Request.Headers.UserAgent.ToString() is { Length: > 0 } agent
            ? Characters.Cut(agent, MaxUserAgentLength)
            : null;
    }
}
