using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kashif.Http;

/// <summary>Section <c>Connections</c>: bounds what slow or many clients can hold open.</summary>
internal sealed class ConnectionOptions
{
    public const string Section = "Connections";

    /// <summary>Kestrel's grace before it measures the rate of a body.</summary>
    private static readonly TimeSpan BodyGrace = TimeSpan.FromSeconds(5);

    /// <summary>Open connections of this process. More are closed at once. WebSockets have the same limit of their own.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Connections:Max must be between 1 and 1000000.")]
    public int Max { get; set; } = 10_000;

    /// <summary>The time for the headers of a request; then 408.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "Connections:HeadersTimeout must be between 1 s and 10 minutes, such as 00:00:15.")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a connection may wait for its next request. Longer than clients keep theirs, the gateway's too (one minute).</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "Connections:IdleTimeout must be between 1 s and one day, such as 00:02:10.")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(130);

    /// <summary>In bytes a second: a slower body gets 408, after five seconds.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Connections:MinBodyRate must be between 1 and 1000000 bytes a second.")]
    public int MinBodyRate { get; set; } = 240;

    public void ApplyTo(KestrelServerLimits limits)
    {
        limits.MaxConcurrentConnections = Max;
        limits.MaxConcurrentUpgradedConnections = Max;
        limits.RequestHeadersTimeout = HeadersTimeout;
        limits.KeepAliveTimeout = IdleTimeout;
        limits.MinRequestBodyDataRate = new MinDataRate(MinBodyRate, BodyGrace);
    }
}
