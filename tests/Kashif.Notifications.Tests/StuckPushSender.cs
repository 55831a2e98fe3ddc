using System.Collections.Concurrent;
using Kashif.Notifications.Delivery;

namespace Kashif.Notifications.Tests;

/// <summary>Blocks in its first call until released.</summary>
internal sealed class StuckPushSender : IPushSender
{
    private readonly TaskCompletionSource _called = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<SendOutcome> _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Called => _called.Task;

    public ConcurrentQueue<IReadOnlyList<Push>> Calls { get; } = [];

    public void Release(SendOutcome outcome = default) => _released.TrySetResult(outcome);

    public async Task<IReadOnlyList<SendOutcome>> SendAsync(IReadOnlyList<Push> pushes, CancellationToken cancellationToken)
    {
        Calls.Enqueue(pushes);
        _called.TrySetResult();
        var outcome = await _released.Task;
        return [.. pushes.Select(_ => outcome)];
    }
}
