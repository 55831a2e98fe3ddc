using System.ComponentModel.DataAnnotations;

namespace Kashif.Messaging;

/// <summary>Section <c>Messaging</c>.</summary>
public sealed class MessagingOptions
{
    public const string Section = "Messaging";

    /// <summary>How many outbox rows the relay publishes in one transaction.</summary>
    [Range(1, 1000)]
    public int RelayBatch { get; set; } = 500;

    /// <summary>How often the relay looks for rows without a signal: from other replicas, or after a crash.</summary>
    public TimeSpan RelayPoll { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long the relay waits after it was woken, so that one transaction and one round of confirms serve all commits of that
    /// time. Under load this keeps an event cheap.
    /// </summary>
    public TimeSpan RelayLinger { get; set; } = TimeSpan.FromMilliseconds(25);

    /// <summary>How long a publish waits for the broker's confirm; the relay holds its rows as long.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:05:00", ErrorMessage = "Messaging:ConfirmTimeout must be between 10 ms and 5 minutes, such as 00:00:10.")]
    public TimeSpan ConfirmTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many messages a consumer handles in one transaction at the most.</summary>
    [Range(1, 1000)]
    public int ConsumerBatch { get; set; } = 250;

    /// <summary>How long a consumer waits after a first message for others to share its transaction.</summary>
    public TimeSpan ConsumerLinger { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How many batches one process handles at once.</summary>
    [Range(1, 32)]
    public int ConsumerConcurrency { get; set; } = 2;

    /// <summary>
    /// The waits before each further try of a failed message; after the last it is a dead letter. Null means
    /// <see cref="DefaultRetryDelays"/>. (Not a default value: the binder would append to it.)
    /// </summary>
    public TimeSpan[]? RetryDelays { get; set; }

    /// <summary>One second, ten seconds, one minute, ten minutes.</summary>
    public static readonly TimeSpan[] DefaultRetryDelays =
        [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)];
}
