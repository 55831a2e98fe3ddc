using RabbitMQ.Client;

namespace Kashif.Messaging.RabbitMq;

internal static class ChannelExtensions
{
    /// <summary>Closes a channel that may be broken; its failure is logged already.</summary>
    public static async Task DisposeQuietlyAsync(this IChannel channel)
    {
        try
        {
            await channel.DisposeAsync();
        }
        catch (Exception)
        {
            // A dead channel has nothing left to lose.
        }
    }
}
