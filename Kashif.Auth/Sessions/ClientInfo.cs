namespace Kashif.Auth.Sessions;

/// <summary>The device at the other end, as it shows in lists of sessions and in the audit log.</summary>
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
