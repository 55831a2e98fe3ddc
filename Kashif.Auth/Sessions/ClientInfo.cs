namespace Kashif.Auth.Sessions;

/// <summary>The address and device of the client, as stored with sessions and audit entries.</summary>
internal static class ClientInfo
{
    extension(HttpContext http)
    {
        public string? ClientIpAddress => http.Connection.RemoteIpAddress?.ToString();

        public string? ClientUserAgent => http.Request.Headers.UserAgent.ToString() is { Length: > 0 } agent
            ? agent[..Math.Min(agent.Length, Session.MaxUserAgentLength)]
            : null;
    }
}
