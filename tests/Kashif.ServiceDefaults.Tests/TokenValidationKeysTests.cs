using Kashif.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>Concurrent requests with tokens that have an unknown key id.</summary>
public sealed class TokenValidationKeysTests
{
    private const string New = "new";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cancelled_request_does_not_cancel_the_refresh_for_others()
    {
        using var keys = await PublishedKeys.StartAsync();
        using var first = new CancellationTokenSource();
        var read = keys.Hold();
        var leaving = keys.RefreshIfUnknownAsync(New, first.Token);
        var waiting = keys.RefreshIfUnknownAsync(New, Cancel);
        await keys.Reading;

        await first.CancelAsync();
        read.SetResult();

        await leaving;
        await waiting;
        (await keys.GetConfigurationAsync(Cancel)).SigningKeys.Select(key => key.KeyId).ShouldContain(New);
    }

    [Fact]
    public async Task A_failed_refresh_throws_for_all_waiting_requests()
    {
        using var keys = await PublishedKeys.StartAsync();
        var read = keys.Hold();
        var first = keys.RefreshIfUnknownAsync(New, Cancel);
        var second = keys.RefreshIfUnknownAsync(New, Cancel);
        await keys.Reading;

        read.SetException(new TimeoutException());

        await Should.ThrowAsync<TimeoutException>(first);
        await Should.ThrowAsync<TimeoutException>(second);
    }

    [Fact]
    public async Task Keys_that_were_not_refreshed_for_long_are_refreshed_before_they_validate()
    {
        var time = new FakeTimeProvider();
        using var keys = await PublishedKeys.StartAsync(time);
        keys.Hold().SetResult();

        time.Advance(TimeSpan.FromHours(1));

        (await keys.GetConfigurationAsync(Cancel)).SigningKeys.Select(key => key.KeyId).ShouldBe([New]);
    }

    [Fact]
    public async Task Old_keys_are_used_while_they_cannot_be_refreshed()
    {
        var time = new FakeTimeProvider();
        using var keys = await PublishedKeys.StartAsync(time);
        keys.Hold().SetException(new TimeoutException());

        time.Advance(TimeSpan.FromHours(1));

        (await keys.GetConfigurationAsync(Cancel)).SigningKeys.ShouldBeEmpty();
    }

    /// <summary>Publishes the new key only after <see cref="Hold"/>.</summary>
    private sealed class PublishedKeys(TimeProvider time) : TokenValidationKeys(time, NullLogger.Instance)
    {
        private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource? _held;

        /// <summary>Completes when the held read has started.</summary>
        public Task Reading => _reading.Task;

        protected override TimeSpan Freshness => TimeSpan.FromMinutes(1);

        public static async Task<PublishedKeys> StartAsync(TimeProvider? time = null)
        {
            var keys = new PublishedKeys(time ?? TimeProvider.System);
            await keys.GetConfigurationAsync(Cancel);
            return keys;
        }

        /// <summary>Publishes the new key, and holds the next reads until the result is completed.</summary>
        public TaskCompletionSource Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override async Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancellationToken)
        {
            var configuration = new OpenIdConnectConfiguration();
            if (_held is { } held)
            {
                _reading.TrySetResult();
                await held.Task.WaitAsync(cancellationToken);
                configuration.SigningKeys.Add(new SymmetricSecurityKey(new byte[32]) { KeyId = New });
            }

            return configuration;
        }
    }
}
