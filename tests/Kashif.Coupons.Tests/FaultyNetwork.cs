namespace Kashif.Coupons.Tests;

/// <summary>The connection to Gamification, with faults that a test injects.</summary>
public sealed class FaultyNetwork
{
    /// <summary>How long recovery may take: faults at random make many tries necessary.</summary>
    public static readonly TimeSpan LongestRecovery = TimeSpan.FromMinutes(4);

    private readonly TaskCompletionSource _debited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The fault of the next call.</summary>
    public Func<Fault> Next { get; set; } = () => Fault.None;

    /// <summary>Completes when Gamification has made a debit and its response is lost or delayed.</summary>
    public Task Debited => _debited.Task;

    /// <summary>A third of the calls fail.</summary>
    public static Fault AtRandom() => Random.Shared.Next(6) switch { 0 => Fault.NoConnection, 1 => Fault.LostResponse, _ => Fault.None };

    /// <summary>Lets the held responses of debits through.</summary>
    public void Release() => _released.TrySetResult();

    public DelegatingHandler Handler() => new FaultyHandler(this);

    private sealed class FaultyHandler(FaultyNetwork network) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var fault = network.Next();
            if (fault == Fault.HangingResponse && request.Method != HttpMethod.Put)
            {
                fault = Fault.None;
            }

            if (fault == Fault.HeldResponse)
            {
                fault = request.RequestUri?.Segments switch
                {
                    [.., "debits/", _] => Fault.HeldResponse,
                    [.., "refunds/", _] => Fault.LostResponse,
                    _ => Fault.None,
                };
            }

            if (fault == Fault.NoConnection)
            {
                throw new HttpRequestException("No connection.");
            }

            var response = await base.SendAsync(request, fault == Fault.None ? cancellationToken : CancellationToken.None);
            if (fault == Fault.None)
            {
                return response;
            }

            if (fault == Fault.HeldResponse)
            {
                await network._released.Task.WaitAsync(cancellationToken);
                return response;
            }

            response.Dispose();
            network._debited.TrySetResult();
            if (fault == Fault.HangingResponse)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }

            throw new HttpRequestException("The response was lost.");
        }
    }
}

public enum Fault
{
    None,

    /// <summary>The request does not arrive.</summary>
    NoConnection,

    /// <summary>The request arrives, the response does not.</summary>
    LostResponse,

    /// <summary>The debit arrives, the caller waits for the response. Reads are not affected.</summary>
    HangingResponse,

    /// <summary>The debit arrives, the caller waits for the response until <see cref="FaultyNetwork.Release"/>. The response of a refund is lost.</summary>
    HeldResponse,
}
