using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Limits;

/// <summary>Section <c>RateLimits</c>: the limits per caller. A caller is a user, with all API keys, or, without a token, an address.</summary>
internal sealed class RateLimitOptions
{
    public const string Section = "RateLimits";

    /// <summary>API calls without a specific limit.</summary>
    [ValidateObjectMembers]
    public RateLimit Default { get; set; } = new() { Permits = 100 };

    /// <summary>The same without a token, per address: an office or a mobile network shares one.</summary>
    [ValidateObjectMembers]
    public RateLimit Anonymous { get; set; } = new() { Permits = 1000 };

    /// <summary>
    /// Signing in and the links of e-mails, per address. Generous, because Auth limits failures by account, address and device, and
    /// e-mails by account.
    /// </summary>
    [ValidateObjectMembers]
    public RateLimit Login { get; set; } = new() { Permits = 120 };

    /// <summary>Refreshing tokens, per address.</summary>
    [ValidateObjectMembers]
    public RateLimit Refresh { get; set; } = new() { Permits = 600 };

    /// <summary>New accounts, per address.</summary>
    [ValidateObjectMembers]
    public RateLimit Register { get; set; } = new() { Permits = 30 };

    /// <summary>Exchanges of API keys that are not cached, per address.</summary>
    [ValidateObjectMembers]
    public RateLimit ApiKeys { get; set; } = new() { Permits = 300 };

    /// <summary>Exports of all of a user's data.</summary>
    [ValidateObjectMembers]
    public RateLimit Export { get; set; } = new() { Permits = 5 };

    /// <summary>New reports.</summary>
    [ValidateObjectMembers]
    public RateLimit Reports { get; set; } = new() { Permits = 20 };

    /// <summary>Questions to the assistant.</summary>
    [ValidateObjectMembers]
    public RateLimit Assistant { get; set; } = new() { Permits = 30 };

    /// <summary>Requests outside the API, per address: documentation, the services' health.</summary>
    [ValidateObjectMembers]
    public RateLimit Open { get; set; } = new() { Permits = 1000 };

    /// <summary>Multiplies all permits, for load tests from one address.</summary>
    [Range(1, 10_000_000, ErrorMessage = "RateLimits:Scale must be between 1 and 10000000. Leave it out for 1.")]
    public int Scale { get; set; } = 1;

    /// <summary>How long a request waits for Redis. After that, this gateway counts alone until Redis responds again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10", ErrorMessage = "RateLimits:RedisTimeout must be between 1 ms and 10 s, such as 00:00:00.100.")]
    public TimeSpan RedisTimeout { get; set; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>The number of requests allowed in a sliding window.</summary>
internal sealed class RateLimit
{
    [Range(1, 1_000_000_000, ErrorMessage = "RateLimits: Permits of each limit must be between 1 and 1000000000.")]
    public int Permits { get; set; }

    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "RateLimits: Window of each limit must be between one second and one day, such as 00:01:00.")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);
}
