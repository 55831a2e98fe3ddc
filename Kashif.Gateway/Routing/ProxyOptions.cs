using System.ComponentModel.DataAnnotations;

namespace Kashif.Gateway.Routing;

/// <summary>Section <c>Proxy</c>: timeouts and health checks of the services.</summary>
internal sealed class ProxyOptions
{
    public const string Section = "Proxy";
    private const string Shortest = "00:00:00.100";
    private const string Longest = "1.00:00:00";

    /// <summary>From the request to the last byte of the response; then 504.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Proxy:Timeout must be between 0.1 s and one day, such as 00:00:30.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The timeout of photos, uploads and exports.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Proxy:LongTimeout must be between 0.1 s and one day, such as 00:05:00.")]
    public TimeSpan LongTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a stream or a WebSocket may be idle; they have no other timeout.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Proxy:IdleTimeout must be between 0.1 s and one day, such as 00:10:00.")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The interval of each replica's liveness probes.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Proxy:ProbeInterval must be between 0.1 s and one day, such as 00:00:05.")]
    public TimeSpan ProbeInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The timeout of a probe.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Proxy:ProbeTimeout must be between 0.1 s and one day, such as 00:00:02.")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a failed replica gets no requests.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Proxy:Reactivation must be between 0.1 s and one day, such as 00:00:10.")]
    public TimeSpan Reactivation { get; set; } = TimeSpan.FromSeconds(10);
}
