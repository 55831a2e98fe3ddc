using System.Globalization;
using RabbitMQ.Client;

namespace Kashif.Messaging.RabbitMq;

/// <summary>What a retried or dead message carries about its failures.</summary>
internal static class MessageHeaders
{
    public const string AttemptHeader = "x-kashif-attempt";
    public const string Reason = "x-kashif-reason";
    public const string FailedAt = "x-kashif-failed-at";
    private const int MaxReasonLength = 500;

    /// <returns>How many times the message has failed before.</returns>
    public static int Attempt(IReadOnlyBasicProperties properties) =>
        properties.Headers?.TryGetValue(AttemptHeader, out var value) == true
            ? Convert.ToInt32(value, CultureInfo.InvariantCulture)
            : 0;

    public static BasicProperties ForFailure(int attempt, Exception exception, DateTimeOffset now)
    {
        var reason = $"{exception.GetType().Name}: {exception.GetBaseException().Message}";
        return new BasicProperties
        {
            ContentType = CloudEvent.ContentType,
            DeliveryMode = DeliveryModes.Persistent,
            Headers = new Dictionary<string, object?>
            {
                [AttemptHeader] = attempt,
                [Reason] = reason.Length <= MaxReasonLength ? reason : reason[..MaxReasonLength],
                [FailedAt] = now.ToString("O", CultureInfo.InvariantCulture),
            },
        };
    }
}
