using System.Net;
using System.Net.Http.Json;
using Aspire.Hosting.ApplicationModel;
using Kashif.Auth.SignIn;
using Kashif.Testing;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>The login throttle. Each test uses its own accounts and addresses.</summary>
public sealed class ThrottleTests(AuthServers servers, ThrottledServers throttled) : IClassFixture<ThrottledServers>
{
    private const string Wrong = "not this one";
    private static int s_address;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ServiceHost<Program> One => throttled.One;
    private ServiceHost<Program> Other => throttled.Other;

    [Fact]
    public async Task Throttle_counts_per_account_across_replicas_even_without_an_account()
    {
        var (email, _) = await RegisterAsync();
        var details = new List<string?>();
        foreach (var name in new[] { email, Journey.NewEmail() })
        {
            var address = NewAddress();
            using var one = From(One, address);
            using var other = From(Other, address);

            // In parallel: a count that is read and then written would let more through.
            var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(index => (index % 2 == 0 ? one : other).TryLoginAsync(name, Wrong)));
            answers.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(4);
            var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToList();
            refused.Count.ShouldBe(8);
            refused.ShouldAllBe(answer => answer.Headers.RetryAfter!.Delta > TimeSpan.FromMinutes(14) && answer.Headers.RetryAfter.Delta <= TimeSpan.FromMinutes(15));
            details.Add((await refused[0].ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_attempts")).GetProperty("detail").GetString());

            // From another address the account has two attempts left.
            using var elsewhere = From(Other, NewAddress());
            (await elsewhere.TryLoginAsync(name.ToUpperInvariant(), Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (await elsewhere.TryLoginAsync(name, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (await elsewhere.TryLoginAsync(name, Wrong)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        }

        details.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Throttle_counts_per_address_across_replicas_and_accounts()
    {
        var address = NewAddress();
        using var one = From(One, address);
        using var other = From(Other, address);
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(index => (index % 2 == 0 ? one : other).TryLoginAsync(Journey.NewEmail(), Wrong)));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(8);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(8);

        var (email, _) = await RegisterAsync();
        (await one.TryLoginAsync(email)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        await From(One, NewAddress()).LoginAsync(email);
    }

    [Fact]
    public async Task Password_reset_clears_the_throttle()
    {
        const string NewPassword = "a quite different one 7";
        var (email, user) = await RegisterAsync();
        using var client = From(One, NewAddress());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.TryLoginAsync(email, Wrong)));
        (await client.TryLoginAsync(email)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);

        using var forgot = await client.PostAsJsonAsync("/api/v1/auth/password/forgot", new { email }, Cancel);
        var mail = await servers.Events.WaitForAsync(
            Kashif.Messaging.Events.PasswordResetRequested.Type, data => data.GetProperty("user_id").GetGuid() == user.GetProperty("id").GetGuid());
        using var reset = await client.PostAsJsonAsync(
            "/api/v1/auth/password/reset", new { token = mail.GetProperty("data").GetProperty("token").GetString(), new_password = NewPassword }, Cancel);
        reset.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        await client.LoginAsync(email, NewPassword);
    }

    [Fact]
    public async Task Login_clears_the_account_count_but_not_the_address_count()
    {
        var (email, _) = await RegisterAsync();
        using var client = From(One, NewAddress());
        for (var round = 0; round < 2; round++)
        {
            for (var attempt = 0; attempt < 3; attempt++)
            {
                (await client.TryLoginAsync(email, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            }

            await client.LoginAsync(email);
        }

        // The address has six failures; the logins do not count.
        (await client.TryLoginAsync(Journey.NewEmail(), Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await client.TryLoginAsync(Journey.NewEmail(), Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await client.TryLoginAsync(email)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Known_device_and_open_session_are_not_locked_out_by_others()
    {
        var (email, _) = await RegisterAsync();
        var first = await From(One, NewAddress()).LoginAsync(email);
        var device = first.Device;
        var guesses = await Task.WhenAll(Enumerable.Range(0, 12).Select(async index =>
        {
            using var guesser = From(index % 2 == 0 ? One : Other, NewAddress());
            return (await guesser.TryLoginAsync(email, Wrong)).StatusCode;
        }));
        guesses.Count(status => status == HttpStatusCode.Unauthorized).ShouldBe(6); // locked after five, throttled after six

        using var elsewhere = From(One, NewAddress());
        (await elsewhere.TryLoginAsync(email)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        foreach (var host in new[] { One, Other })
        {
            using var known = From(host, NewAddress());
            device = Tokens.Of(await (await TryDeviceAsync(known, email, device)).JsonAsync()).Device;
        }

        using var person = One.With(first.Access);
        using var changed = await person.PutAsJsonAsync(
            "/api/v1/auth/me/password", new { current_password = AuthServers.GoodPassword, new_password = "amber heron 12" }, Cancel);
        changed.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        // The others stay locked out: a login on a known device gives them no new attempts.
        (await elsewhere.TryLoginAsync(email, "amber heron 12")).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await CountAsync($"action = 'locked_out' AND user_id = (SELECT id FROM users WHERE email = '{email}')")).ShouldBe(1);
    }

    [Fact]
    public async Task Guesses_of_a_known_device_are_limited_across_addresses_and_lock_only_the_device()
    {
        var (email, _) = await RegisterAsync();
        var device = (await From(One, NewAddress()).LoginAsync(email)).Device;
        var guesses = await Task.WhenAll(Enumerable.Range(0, 12).Select(async index =>
        {
            using var known = From(index % 2 == 0 ? One : Other, NewAddress());
            return (await TryDeviceAsync(known, email, device, Wrong)).StatusCode;
        }));

        guesses.Count(status => status == HttpStatusCode.Unauthorized).ShouldBe(4);
        guesses.Count(status => status == HttpStatusCode.TooManyRequests).ShouldBe(8);
        using var client = From(One, NewAddress());
        (await TryDeviceAsync(client, email, device)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        await client.LoginAsync(email);
    }

    [Fact]
    public async Task Device_tokens_end_with_the_password()
    {
        const string NewPassword = "amber heron 12";
        var (email, _) = await RegisterAsync();
        using var client = From(One, NewAddress());
        var tokens = await client.LoginAsync(email);
        using var person = One.With(tokens.Access);
        using var changed = await person.PutAsJsonAsync(
            "/api/v1/auth/me/password", new { current_password = AuthServers.GoodPassword, new_password = NewPassword }, Cancel);
        changed.StatusCode.ShouldBe(HttpStatusCode.NoContent);

        // The device is not known any more: its guesses lock the account like others.
        for (var attempt = 0; attempt < 4; attempt++)
        {
            using var guesser = From(One, NewAddress());
            (await TryDeviceAsync(guesser, email, tokens.Device, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        (await From(Other, NewAddress()).TryLoginAsync(email, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await From(Other, NewAddress()).TryLoginAsync(email, NewPassword)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        (await CountAsync($"action = 'locked_out' AND user_id = (SELECT id FROM users WHERE email = '{email}')")).ShouldBe(1);
    }

    [Fact]
    public async Task Foreign_changed_and_old_device_tokens_do_not_pass_the_lockout()
    {
        var time = new MovableTime();
        await using var auth = await servers.StartAsync(
            configure: services => services.AddSingleton<TimeProvider>(time),
            settings: [("Auth:Throttle:DeviceLifetime", "2.00:00:00"), ("Auth:Throttle:PerAccountAndAddress", "1000")]);
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        var (stranger, _) = await client.RegisterAsync();
        var own = (await client.LoginAsync(email)).Device;
        var foreign = (await client.LoginAsync(stranger)).Device;
        await LockAsync();
        foreach (var token in new[] { foreign, $"{(own[0] == 'A' ? 'B' : 'A')}{own[1..]}", own[..^4], $"{own}AAAA", new string('A', own.Length), "?", "" })
        {
            using var refused = await TryDeviceAsync(client, email, token);
            await refused.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
        }

        (await TryDeviceAsync(client, email.ToUpperInvariant(), own)).StatusCode.ShouldBe(HttpStatusCode.OK);
        time.Advance(TimeSpan.FromDays(2) + TimeSpan.FromSeconds(1));
        await LockAsync();
        (await TryDeviceAsync(client, email, own)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);

        async Task LockAsync()
        {
            for (var attempt = 0; attempt < 5; attempt++)
            {
                (await client.TryLoginAsync(email, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            }
        }
    }

    [Fact]
    public async Task Wrong_current_password_counts_for_the_session()
    {
        var (email, _) = await RegisterAsync();
        using var person = One.With((await From(One, NewAddress()).LoginAsync(email)).Access);
        person.DefaultRequestHeaders.Add("X-Forwarded-For", NewAddress());
        for (var attempt = 0; attempt < 4; attempt++)
        {
            using var wrong = await ChangeAsync(Wrong);
            await wrong.ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, "wrong_password");
        }

        using var refused = await ChangeAsync(AuthServers.GoodPassword);
        await refused.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "too_many_attempts");
        refused.Headers.RetryAfter.ShouldNotBeNull();
        await From(One, NewAddress()).LoginAsync(email);

        Task<HttpResponseMessage> ChangeAsync(string current) => person.PutAsJsonAsync(
            "/api/v1/auth/me/password", new { current_password = current, new_password = "amber heron 12" }, Cancel);
    }

    [Fact]
    public async Task Without_Redis_each_replica_counts_and_lockout_still_works_without_delay()
    {
        var (email, _) = await RegisterAsync();
        await RunAsync(KnownResourceCommands.StopCommand);
        await From(One, NewAddress()).LoginAsync(email); // this login finds out that Redis is away
        await From(Other, NewAddress()).LoginAsync(email);
        Throttle(One).IsShared.ShouldBeFalse();
        Throttle(One).BeginAsync("NOBODY@PEOPLE.TEST", IPAddress.Loopback, device: null, Cancel).IsCompletedSuccessfully.ShouldBeTrue("a login waits for Redis, which is away");

        using var guesser = From(One, NewAddress());
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => guesser.TryLoginAsync(Journey.NewEmail(), Wrong)));
        answers.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(8);
        answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ShouldBe(4);

        // Four at one replica and one at the other: the lockout counts five.
        using var one = From(One, NewAddress());
        using var other = From(Other, NewAddress());
        for (var attempt = 0; attempt < 4; attempt++)
        {
            (await one.TryLoginAsync(email, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        (await other.TryLoginAsync(email, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        using var locked = await other.TryLoginAsync(email);
        await locked.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");

        await RunAsync(KnownResourceCommands.StartCommand);
        await throttled.SharedAsync();
        using var again = From(One, NewAddress());
        var counted = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => again.TryLoginAsync(Journey.NewEmail(), Wrong)));
        counted.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized).ShouldBe(8);
        using var sameAddress = From(Other, again.DefaultRequestHeaders.GetValues("X-Forwarded-For").Single());
        (await sameAddress.TryLoginAsync(Journey.NewEmail(), Wrong)).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
    }

    [Fact]
    public async Task Audit_log_records_failures_and_lockouts_under_the_empty_id_without_an_account()
    {
        var (email, user) = await RegisterAsync();
        var nobodys = await CountAsync($"user_id = '{Guid.Empty}' AND action = 'login_failed'");
        for (var attempt = 0; attempt < 5; attempt++)
        {
            using var client = From(One, NewAddress());
            (await client.TryLoginAsync(email, Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
            (await client.TryLoginAsync(Journey.NewEmail(), Wrong)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
        }

        (await CountAsync($"user_id = '{user.GetProperty("id").GetGuid()}' AND action = 'login_failed' AND actor_id IS NULL AND ip_address IS NOT NULL")).ShouldBe(5);
        (await CountAsync($"user_id = '{user.GetProperty("id").GetGuid()}' AND action = 'locked_out'")).ShouldBe(1);
        (await CountAsync($"user_id = '{Guid.Empty}' AND action = 'login_failed' AND details IS NULL")).ShouldBe(nobodys + 5);
    }

    [Fact]
    public async Task Login_of_an_account_disabled_meanwhile_opens_no_session()
    {
        var hasher = new HeldHasher();
        await using var auth = await servers.StartAsync(configure: services => services.AddSingleton<IPasswordHasher<object>>(hasher));
        using var client = auth.Anonymous();
        var (email, user) = await client.RegisterAsync();
        hasher.Hold();
        var login = client.TryLoginAsync(email);
        await hasher.Reached;
        await using (var database = NpgsqlDataSource.Create(auth.Database))
        {
            await database.CreateCommand($"UPDATE users SET disabled_at = now() WHERE id = '{user.GetProperty("id").GetGuid()}'").ExecuteNonQueryAsync(Cancel);
        }

        hasher.Release();
        using var refused = await login;
        await refused.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "invalid_credentials");
    }

    [Fact]
    public async Task Logins_that_wait_too_long_return_503_and_do_not_block_other_endpoints()
    {
        var hasher = new HeldHasher();
        await using var auth = await servers.StartAsync(
            configure: services => services.AddSingleton<IPasswordHasher<object>>(hasher), settings: ("Auth:LongestHashingWait", "00:00:00.5"));
        using var client = auth.Anonymous();
        var (email, _) = await client.RegisterAsync();
        using var person = auth.With((await client.LoginAsync(email)).Access);
        hasher.Hold();
        var held = Enumerable.Range(0, Environment.ProcessorCount).Select(_ => client.TryLoginAsync(email)).ToArray();
        await Eventually.TrueAsync(() => hasher.Holding == Environment.ProcessorCount, "every core to hash");

        var burst = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.TryLoginAsync(Journey.NewEmail())));
        foreach (var answer in burst)
        {
            await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "unavailable");
            answer.Headers.RetryAfter.ShouldNotBeNull();
        }

        (await person.MeAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
        held.ShouldAllBe(login => !login.IsCompleted);
        hasher.Release();
        (await Task.WhenAll(held)).ShouldAllBe(login => login.StatusCode == HttpStatusCode.OK);
    }

    private static string NewAddress() => $"198.51.100.{Interlocked.Increment(ref s_address)}";

    private static HttpClient From(ServiceHost<Program> host, string address)
    {
        var client = host.Anonymous();
        client.DefaultRequestHeaders.Add("X-Forwarded-For", address);
        return client;
    }

    private static Task<HttpResponseMessage> TryDeviceAsync(HttpClient client, string email, string device, string password = AuthServers.GoodPassword) =>
        client.TryTokenAsync(("username", email), ("password", password), ("device_token", device));

    private static LoginThrottle Throttle(ServiceHost<Program> host) => ThrottledServers.Throttle(host);

    private async Task<(string Email, System.Text.Json.JsonElement User)> RegisterAsync()
    {
        using var client = One.Anonymous();
        return await client.RegisterAsync();
    }

    private async Task RunAsync(string command) =>
        (await throttled.Redis.Commands.ExecuteCommandAsync(ResourceNames.Cache, command, Cancel)).Success.ShouldBeTrue();

    private async Task<long> CountAsync(string where)
    {
        await using var database = NpgsqlDataSource.Create(One.Database);
        return (long?)await database.CreateCommand($"SELECT count(*) FROM audit_log WHERE {where}").ExecuteScalarAsync(Cancel) ?? 0;
    }

    /// <summary>A password hasher that a test can hold.</summary>
    private sealed class HeldHasher : IPasswordHasher<object>
    {
        private readonly PasswordHasher<object> _real = new();
        private readonly ManualResetEventSlim _open = new(initialState: true);
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _holding;

        public Task Reached => _reached.Task;
        public int Holding => Volatile.Read(ref _holding);

        public void Hold() => _open.Reset();

        public void Release() => _open.Set();

        public string HashPassword(object user, string password) => _real.HashPassword(user, password);

        public PasswordVerificationResult VerifyHashedPassword(object user, string hashedPassword, string providedPassword)
        {
            Interlocked.Increment(ref _holding);
            if (!_open.IsSet)
            {
                _reached.TrySetResult();
            }

            _open.Wait();
            Interlocked.Decrement(ref _holding);
            return _real.VerifyHashedPassword(user, hashedPassword, providedPassword);
        }
    }
}

/// <summary>Two replicas of Auth on one database and one Redis, which a test can stop.</summary>
public sealed class ThrottledServers(AuthServers servers) : IAsyncLifetime
{
    private TestServers? _redis;
    private ServiceHost<Program>? _one;
    private ServiceHost<Program>? _other;

    public TestServers Redis => _redis ?? throw new InvalidOperationException("Not started.");
    public ServiceHost<Program> One => _one ?? throw new InvalidOperationException("Not started.");
    public ServiceHost<Program> Other => _other ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _redis = await TestServers.StartCacheAsync();
        (string, string?)[] settings =
        [
            ($"ConnectionStrings:{ResourceNames.Cache}", _redis.Cache),
            ("Auth:Throttle:PerAddress", "8"), ("Auth:Throttle:PerAccount", "6"), ("Auth:Throttle:PerAccountAndAddress", "4"), ("Auth:Throttle:PerDevice", "4"),
            ("Auth:Throttle:RedisTimeout", "00:00:20"), // test machines are slow
        ];
        _one = await servers.StartAsync(settings: settings);
        _other = await servers.StartAsync(_one.Database, settings: settings);
        await SharedAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var started in new IAsyncDisposable?[] { _other, _one, _redis })
        {
            if (started is not null)
            {
                await started.DisposeAsync();
            }
        }
    }

    public Task SharedAsync() => Eventually.TrueAsync(() => Throttle(One).IsShared && Throttle(Other).IsShared, "Redis");

    internal static LoginThrottle Throttle(ServiceHost<Program> host) => host.Services.GetRequiredService<LoginThrottle>();
}
