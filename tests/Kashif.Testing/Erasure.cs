using System.Diagnostics;
using System.Text.Json;
using Kashif.Messaging.Events;

namespace Kashif.Testing;

/// <summary>Auth's part in a deletion, for tests of the other services.</summary>
public static class Erasure
{
    /// <summary>Publishes the user's deletion until the service sends its receipt. The queue may not exist at first.</summary>
    public static async Task EraseAsync(this EventTap tap, Guid user, string service)
    {
        var id = Guid.CreateVersion7();
        long? published = null;
        await Eventually.TrueAsync(
            async () =>
            {
                if (published is not { } at || Stopwatch.GetElapsedTime(at) > TimeSpan.FromSeconds(2))
                {
                    published = Stopwatch.GetTimestamp();
                    await tap.PublishAsync(new UserDeleted(user), id);
                }

                return tap.Receipts(user, service).Count > 0;
            },
            $"the receipt of {service}");
    }

    /// <summary>A service's receipts for a user.</summary>
    public static IReadOnlyList<JsonElement> Receipts(this EventTap tap, Guid user, string service) =>
    [
        .. tap.Envelopes(UserDataErased.Type).Select(envelope => envelope.GetProperty("data"))
            .Where(data => data.GetProperty("user_id").GetGuid() == user && data.GetProperty("service").GetString() == service),
    ];
}
