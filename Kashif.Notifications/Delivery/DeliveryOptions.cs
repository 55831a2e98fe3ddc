using System.ComponentModel.DataAnnotations;

namespace Kashif.Notifications.Delivery;

/// <summary>Section <c>Delivery</c>: how pushes and mails are sent.</summary>
internal sealed class DeliveryOptions
{
    public const string Section = "Delivery";
    private const string Shortest = "00:00:00.010";
    private const string Longest = "1.00:00:00";

    /// <summary>How many pushes are sent at once. Firebase accepts at most 500.</summary>
    [Range(1, 500, ErrorMessage = "Delivery:Batch must be between 1 and 500.")]
    public int Batch { get; set; } = 500;

    /// <summary>How many deliveries wait in a queue of RabbitMQ before the others wait in the table. Twice as many of high priority.</summary>
    [Range(1, 100_000, ErrorMessage = "Delivery:QueueLimit must be between 1 and 100,000.")]
    public int QueueLimit { get; set; } = 2000;

    [Range(1, 20, ErrorMessage = "Delivery:MaxAttempts must be between 1 and 20.")]
    public int MaxAttempts { get; set; } = 12;

    /// <summary>The wait after the first failure; doubles with each further failure, up to <see cref="LongestRetryDelay"/>.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Delivery:RetryDelay must be between 10 ms and one day, such as 00:00:10.")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(10);

    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Delivery:LongestRetryDelay must be between 10 ms and one day, such as 00:30:00.")]
    public TimeSpan LongestRetryDelay { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a delivery may be in the queue, and then an attempt take, before it is due again. Keep it longer than the push service or a mail server may take.</summary>
    [Range(typeof(TimeSpan), "00:00:01", Longest, ErrorMessage = "Delivery:Lease must be between one second and one day, such as 00:02:00.")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long an ended delivery is kept, with its last error.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00", ErrorMessage = "Delivery:Retention must be between one day and ten years, such as 30.00:00:00.")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often to look for deliveries without a signal: retries, and those of other replicas and crashed processes.</summary>
    [Range(typeof(TimeSpan), Shortest, Longest, ErrorMessage = "Delivery:Poll must be between 10 ms and one day, such as 00:00:01.")]
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);
}
