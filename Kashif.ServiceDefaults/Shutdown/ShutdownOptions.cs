using System.ComponentModel.DataAnnotations;

namespace Kashif.Shutdown;

/// <summary>Section <c>Shutdown</c>: how a process ends after SIGTERM.</summary>
public sealed class ShutdownOptions
{
    public const string Section = "Shutdown";

    /// <summary>
    /// How long the process still accepts requests while <c>/health</c> and <c>/ready</c> are unhealthy: the time in which load balancers
    /// notice. Null means 5 s, in Development none.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "Shutdown:Delay must be between 0 and 10 minutes, such as 00:00:05.")]
    public TimeSpan? Delay { get; set; }

    /// <summary>How long requests and messages in progress may take after that.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00", ErrorMessage = "Shutdown:Timeout must be between 0.1 s and one hour, such as 00:00:20.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(20);
}
