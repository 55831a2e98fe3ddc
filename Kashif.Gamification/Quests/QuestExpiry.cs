using Kashif.Messaging.Retention;

namespace Kashif.Gamification.Quests;

/// <summary>Releases the reservations of users whose time in a quest is over.</summary>
internal sealed class QuestExpiry(IServiceScopeFactory scopes, TimeProvider time, ILogger<QuestExpiry> logger) : HourlyService(scopes, time, logger)
{
    private const int Batch = 500;

    private readonly IServiceScopeFactory _scopes = scopes;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        while (await ExpireAsync(cancellationToken) == Batch)
        {
        }
    }

    private async Task<int> ExpireAsync(CancellationToken cancellationToken)
    {
        await using var scope = _scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<QuestRewards>().ExpireAsync(Batch, cancellationToken);
    }
}
