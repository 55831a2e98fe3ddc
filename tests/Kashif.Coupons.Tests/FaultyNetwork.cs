namespace Kashif.Coupons.Tests;

/// <summary>The way to Gamification, which a test can break.</summary>
public sealed class FaultyNetwork
{
    private readonly TaskCompletionSource _debited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What becomes of each call; may change at any time.</summary>
    public Func<Fault> Next { get; set; } = () => Fault.None;

    /// <summary>Completes when a debit has been made whose answer got lost or hangs.</summary>
    public Task Debited => _debited.Task;

    public DelegatingHandler Handler() => new FaultyHandler(this);

    private sealed class FaultyHandler(FaultyNetwork network) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var fault = network.Next();
            if (fault == Fault.NoConnection)
            {
                throw new HttpRequestException("No connection.");
            }

            var answer = await base.SendAsync(request, fault == Fault.None ? cancellationToken : CancellationToken.None);
            if (fault == Fault.None)
            {
                return answer;
            }

            answer.Dispose();
            network._debited.TrySetResult();
            if (fault == Fault.HangingAnswer)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }

            throw new HttpRequestException("The answer got lost.");
        }
    }
}

public enum Fault
{
    None,

    /// <summary>The request does not arrive.</summary>
    NoConnection,

    /// <summary>The request arrives and the answer does not.</summary>
    LostAnswer,

    /// <summary>The request arrives, and the caller waits.</summary>
    HangingAnswer,
}
