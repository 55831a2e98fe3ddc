using Kashif.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>Concurrent requests with tokens that have an unknown key id.</summary>
public sealed class SigningKeysTests
{
    private const string New = "new";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cancelled_request_does_not_cancel_the_refresh_for_others()
    {
        using var keys = await PublishedKeys.StartAsync();
        using var first = new CancellationTokenSource();
        var read = keys.Hold();
        var leaving = keys.LookUpAsync(New, first.Token);
        var waiting = keys.LookUpAsync(New, Cancel);
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
        var first = keys.LookUpAsync(New, Cancel);
        var second = keys.LookUpAsync(New, Cancel);
        await keys.Reading;

        read.SetException(new TimeoutException());

        await Should.ThrowAsync<TimeoutException>(first);
        await Should.ThrowAsync<TimeoutException>(second);
    }

    /// <summary>Publishes the new key only after <see cref="Hold"/>.</summary>
    private sealed class PublishedKeys() : SigningKeys(TimeProvider.System, NullLogger.Instance)
    {
        private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource? _held;

        /// <summary>Completes when the held read has started.</summary>
        public Task Reading => _reading.Task;

        protected override TimeSpan Freshness => TimeSpan.FromMinutes(1);

        public static async Task<PublishedKeys> StartAsync()
        {
            var keys = new PublishedKeys();
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
