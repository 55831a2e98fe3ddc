using System.ComponentModel.DataAnnotations;

namespace Kashif.Notifications.Inbox;

/// <summary>Section <c>Inbox</c>: the live stream.</summary>
internal sealed class InboxOptions
{
    public const string Section = "Inbox";

    /// <summary>How many streams a user may have at one replica.</summary>
    [Range(1, 1000, ErrorMessage = "Inbox:StreamsPerUser must be between 1 and 1000.")]
    public int StreamsPerUser { get; set; } = 5;

    /// <summary>How many streams a replica serves.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Inbox:StreamsPerReplica must be between 1 and 1000000.")]
    public int StreamsPerReplica { get; set; } = 5000;
}
