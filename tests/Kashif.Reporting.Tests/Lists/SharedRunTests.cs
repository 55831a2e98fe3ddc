using Kashif.Reporting.Lists;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests.Lists;

/// <summary>Runs that callers share. The tests say when each run ends.</summary>
public sealed class SharedRunTests
{
    private readonly List<TaskCompletionSource> _runs = [];
    private readonly SemaphoreSlim _began = new(0);
    private readonly SharedRun _shared;

    public SharedRunTests() => _shared = new SharedRun(() =>
    {
        var run = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _runs.Add(run);
        _began.Release();
        return run.Task;
    });

    [Fact]
    public async Task A_call_during_a_run_shares_the_next_run()
    {
        var first = _shared.RunAsync(Cancelled);
        await BeganAsync();
        var (second, third) = (_shared.RunAsync(Cancelled), _shared.RunAsync(Cancelled));

        _runs[0].SetResult();
        await first;
        await BeganAsync();
        (second.IsCompleted, third.IsCompleted).ShouldBe((false, false));

        _runs[1].SetResult();
        await Task.WhenAll(second, third);
        _runs.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_failure_reaches_its_callers_and_not_the_next()
    {
        var first = _shared.RunAsync(Cancelled);
        await BeganAsync();
        var second = _shared.RunAsync(Cancelled);

        _runs[0].SetException(new InvalidOperationException("no database"));
        (await Should.ThrowAsync<InvalidOperationException>(first)).Message.ShouldBe("no database");
        await BeganAsync();
        _runs[1].SetResult();
        await second;
    }

    [Fact]
    public async Task A_caller_who_gives_up_does_not_end_the_run_of_the_others()
    {
        using var impatient = new CancellationTokenSource();
        var before = _shared.RunAsync(Cancelled);
        await BeganAsync();
        var (gone, patient) = (_shared.RunAsync(impatient.Token), _shared.RunAsync(Cancelled)); // they share the next run
        _runs[0].SetResult();
        await before;
        await BeganAsync();

        await impatient.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(gone);
        patient.IsCompleted.ShouldBeFalse();
        _runs[1].SetResult();
        await patient;
        _runs.Count.ShouldBe(2);
    }

    private async Task BeganAsync() => (await _began.WaitAsync(TimeSpan.FromSeconds(30), Cancelled)).ShouldBeTrue("a run begins");
}
