using System.Globalization;
using RabbitMQ.Client;

namespace Kashif.Messaging.RabbitMq;

/// <summary>What a retried or dead message carries about its failures.</summary>
internal static class MessageHeaders
{
    public const string AttemptHeader = "x-kashif-attempt";
    public const string PassesHeader = "x-kashif-passes";
    public const string Reason = "x-kashif-reason";
    public const string FailedAt = "x-kashif-failed-at";
    private const int MaxReasonLength = 500;

    /// <returns>How many times the message has failed before.</returns>
    public static int Attempt(IReadOnlyBasicProperties properties) => Number(properties, AttemptHeader);

    /// <returns>How many times replicas without a handler have passed the message on since it last failed.</returns>
    public static int Passes(IReadOnlyBasicProperties properties) => Number(properties, PassesHeader);

    public static BasicProperties ForFailure(int attempt, Exception exception, DateTimeOffset now, int passes = 0)
    {
        var reason = $"{exception.GetType().Name}: {exception.GetBaseException().Message}";
        return new BasicProperties
        {
            ContentType = CloudEvent.ContentType,
            DeliveryMode = DeliveryModes.Persistent,
            Headers = new Dictionary<string, object?>
            {
                [AttemptHeader] = attempt,
                [PassesHeader] = passes,
                [Reason] = reason.Length <= MaxReasonLength ? reason : reason[..MaxReasonLength],
                [FailedAt] = now.ToString("O", CultureInfo.InvariantCulture),
            },
        };
    }

    private static int Number(IReadOnlyBasicProperties properties, string header) =>
        properties.Headers?.TryGetValue(header, out var value) == true ? Convert.ToInt32(value, CultureInfo.InvariantCulture) : 0;
}
