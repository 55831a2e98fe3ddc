using Kashif.Cache;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>A cache whose reads the tests end.</summary>
public sealed class SnapshotCacheTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly Queue<TaskCompletionSource<string>> _reads = [];
    private readonly SnapshotCache<string> _cache;

    public SnapshotCacheTests() => _cache = new(_services.GetRequiredService<IServiceScopeFactory>(), _time, TimeSpan.FromSeconds(5), (_, _) =>
    {
        var read = new TaskCompletionSource<string>();
        _reads.Enqueue(read);
        return read.Task;
    });

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _services.Dispose();

    [Fact]
    public async Task A_read_that_began_before_a_change_is_not_kept()
    {
        var early = _cache.GetAsync(Cancel).AsTask();
        _cache.Forget();
        _reads.Dequeue().SetResult("before the change");
        (await early).ShouldBe("before the change");

        var late = _cache.GetAsync(Cancel).AsTask();
        _reads.ShouldHaveSingleItem().SetResult("after it");
        (await late).ShouldBe("after it");
        (await _cache.GetAsync(Cancel)).ShouldBe("after it");
    }

    [Fact]
    public async Task Rows_are_read_again_after_the_lifetime_of_their_read()
    {
        var first = _cache.GetAsync(Cancel).AsTask();
        _time.Advance(TimeSpan.FromSeconds(3));
        _reads.Dequeue().SetResult("first");
        await first;

        _time.Advance(TimeSpan.FromSeconds(1.9));
        (await _cache.GetAsync(Cancel)).ShouldBe("first");
        _time.Advance(TimeSpan.FromSeconds(0.1));
        var second = _cache.GetAsync(Cancel).AsTask();
        _reads.Dequeue().SetResult("second");
        (await second).ShouldBe("second");
    }

    [Fact]
    public async Task A_failed_read_is_not_kept()
    {
        var first = _cache.GetAsync(Cancel).AsTask();
        _reads.Dequeue().SetException(new InvalidOperationException("no database"));
        await Should.ThrowAsync<InvalidOperationException>(first);

        var second = _cache.GetAsync(Cancel).AsTask();
        _reads.Dequeue().SetResult("second");
        (await second).ShouldBe("second");
    }
}
