using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kashif.Gateway.Limits;

/// <summary>Section <c>RateLimits</c>: how much one caller may ask for. A caller is a user, an API key or, without a token, an address.</summary>
internal sealed class RateLimitOptions
{
    public const string Section = "RateLimits";

    /// <summary>Every call of the API that has no limit of its own.</summary>
    [ValidateObjectMembers]
    public RateLimit Default { get; set; } = new() { Permits = 100 };

    /// <summary>Signing in, forgotten passwords and everything else where guessing pays, of one address.</summary>
    [ValidateObjectMembers]
    public RateLimit Login { get; set; } = new() { Permits = 10 };

    /// <summary>Refreshing tokens, of one address.</summary>
    [ValidateObjectMembers]
    public RateLimit Refresh { get; set; } = new() { Permits = 30 };

    /// <summary>New accounts, of one address.</summary>
    [ValidateObjectMembers]
    public RateLimit Register { get; set; } = new() { Permits = 5 };

    /// <summary>API keys that the gateway does not know at the moment, so has to ask for, of one address.</summary>
    [ValidateObjectMembers]
    public RateLimit ApiKeys { get; set; } = new() { Permits = 300 };

    /// <summary>Exports of all that is held about a person.</summary>
    [ValidateObjectMembers]
    public RateLimit Export { get; set; } = new() { Permits = 5 };

    /// <summary>New reports.</summary>
    [ValidateObjectMembers]
    public RateLimit Reports { get; set; } = new() { Permits = 20 };

    /// <summary>What is no call of the API: documentation, the services' health; of one address.</summary>
    [ValidateObjectMembers]
    public RateLimit Open { get; set; } = new() { Permits = 1000 };

    /// <summary>Multiplies all permits: for load tests, which come from one address.</summary>
    [Range(1, 10_000_000, ErrorMessage = "RateLimits:Scale must be between 1 and 10000000; leave it out for 1.")]
    public int Scale { get; set; } = 1;

    /// <summary>How long a request waits for Redis. After that, this gateway counts alone until Redis answers again.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10", ErrorMessage = "RateLimits:RedisTimeout must be between 1 ms and 10 s, such as 00:00:00.100.")]
    public TimeSpan RedisTimeout { get; set; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>So many requests in any window of this length.</summary>
internal sealed class RateLimit
{
    [Range(1, 1_000_000_000, ErrorMessage = "RateLimits: Permits of each limit must be between 1 and 1000000000.")]
    public int Permits { get; set; }

    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "RateLimits: Window of each limit must be between one second and one day, such as 00:01:00.")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);
}
