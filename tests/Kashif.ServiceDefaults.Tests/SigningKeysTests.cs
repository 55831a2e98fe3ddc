using Kashif.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>A token of a key that nobody here has seen, and several who bring it at once.</summary>
public sealed class SigningKeysTests
{
    private const string New = "new";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_hangs_up_leaves_the_others_their_answer()
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
    public async Task A_reading_that_failed_does_not_say_that_the_key_is_bad()
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

    /// <summary>At first without the new key.</summary>
    private sealed class PublishedKeys() : SigningKeys(TimeProvider.System, NullLogger.Instance)
    {
        private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource? _held;

        /// <summary>Ends when the reading that is held has begun.</summary>
        public Task Reading => _reading.Task;

        protected override TimeSpan Freshness => TimeSpan.FromMinutes(1);

        public static async Task<PublishedKeys> StartAsync()
        {
            var keys = new PublishedKeys();
            await keys.GetConfigurationAsync(Cancel);
            return keys;
        }

        /// <summary>From now on the new key is published, but reading waits for this.</summary>
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
