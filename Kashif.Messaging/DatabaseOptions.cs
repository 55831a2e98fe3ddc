using System.ComponentModel.DataAnnotations;

namespace Kashif.Messaging;

/// <summary>Section <c>Database</c>.</summary>
public sealed class DatabaseOptions
{
    public const string Section = "Database";

    /// <summary>Whether the service migrates its database when it starts. Null means: in Development only; elsewhere run <c>migrate</c> first.</summary>
    public bool? MigrateAtStart { get; set; }

    /// <summary>The most connections of one process. <c>Maximum Pool Size</c> in the connection string wins.</summary>
    [Range(1, 1000)]
    public int MaxPoolSize { get; set; } = Database.DatabaseConnections.Pool;

    /// <summary>How long answers to idempotency keys are kept.</summary>
    public TimeSpan IdempotencyRetention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Keys of the hash that binds an idempotency key to its request body. Keyed, because a plain hash of a password could be guessed.
    /// New fingerprints use the first key; all keys are accepted, so a key can be replaced.
    /// </summary>
    public byte[][] FingerprintKeys { get; set; } = [[]];

    /// <summary>How long the ids of handled events are kept: longer than any message can be on its way.</summary>
    public TimeSpan InboxRetention { get; set; } = TimeSpan.FromDays(30);
}
