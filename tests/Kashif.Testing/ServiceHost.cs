using System.Net.Http.Headers;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Kashif.Testing;

/// <summary>A service on Kestrel and real servers, with its own database.</summary>
/// <typeparam name="TProgram">The service's <c>Program</c>.</typeparam>
public sealed class ServiceHost<TProgram> : IAsyncDisposable
    where TProgram : class
{
    private readonly Factory _factory;
    private readonly TestIssuer _issuer;

    private ServiceHost(Factory factory, TestIssuer issuer, string database)
    {
        _factory = factory;
        _issuer = issuer;
        Database = database;
    }

    /// <summary>The connection string of the service's database.</summary>
    public string Database { get; }

    /// <summary>The service provider of the service.</summary>
    public IServiceProvider Services => _factory.Services;

    public Uri Address { get; private set; } = new("http://unset");

    /// <param name="databaseName">The database's resource name, from <see cref="ResourceNames"/>.</param>
    /// <param name="settings">Additional configuration, such as <c>services:gamification:http:0</c>.</param>
    /// <param name="database">The connection string of another host's database; null for a new database.</param>
    /// <param name="configure">Replaces services for the test.</param>
    /// <param name="consumes">False for a host with a database of its own beside another host of the service: it would take events from that one's queue.</param>
    public static async Task<ServiceHost<TProgram>> StartAsync(
        TestServers servers, TestIssuer issuer, string databaseName,
        IReadOnlyDictionary<string, string?>? settings = null, string? database = null, Action<IServiceCollection>? configure = null, bool consumes = true)
    {
        PersonQueries.Listen();

        // Patient: a slow machine is no fault.
        database ??= new NpgsqlConnectionStringBuilder(servers.DatabaseServer) { Database = $"test-{Guid.CreateVersion7():N}", Timeout = 180, CommandTimeout = 180 }.ConnectionString;
        var all = new Dictionary<string, string?>
        {
            [$"ConnectionStrings:{databaseName}"] = database,
            [$"ConnectionStrings:{ResourceNames.Messaging}"] = servers.Messaging,
            [$"ConnectionStrings:{ResourceNames.Cache}"] = servers.Cache,
            [$"services:{ResourceNames.Auth}:http:0"] = issuer.Address,
            ["Messaging:ConfirmTimeout"] = "00:02:00", // a second publication is allowed, but the tests count
        };
        foreach (var (key, value) in settings ?? new Dictionary<string, string?>())
        {
            all[key] = value;
        }

        var host = new ServiceHost<TProgram>(new Factory(all, consumes ? configure : services => { StopConsuming(services); configure?.Invoke(services); }), issuer, database);
        await host.OpenAsync();
        return host;
    }

    /// <summary>A client without a token.</summary>
    public HttpClient Anonymous() => new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) }) // a slow refusal still comes before the body
    {
        BaseAddress = Address,
    };

    /// <summary>A user's client. Without roles, the user is a citizen.</summary>
    public HttpClient As(Guid userId, params string[] roles) => With(_issuer.TokenFor(userId, roles));

    /// <summary>Another service's client, with these or all scopes.</summary>
    public HttpClient AsService(params string[] scopes) => With(_issuer.TokenForService(scopes));

    /// <summary>A citizen's client in a session.</summary>
    public HttpClient In(Guid userId, Guid session) => With(_issuer.TokenForSession(userId, session));

    public HttpClient With(string token)
    {
        var client = Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public async ValueTask DisposeAsync() => await _factory.DisposeAsync();

    private static void StopConsuming(IServiceCollection services)
    {
        foreach (var consumer in services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType?.Name.StartsWith("EventConsumer", StringComparison.Ordinal) == true).ToList())
        {
            services.Remove(consumer);
        }
    }

    private Task OpenAsync() => Task.Run(() =>
    {
        // Not UseKestrel(port): it sets the address too late if the program, on another thread, has already started.
        _factory.UseKestrel();
        _factory.StartServer();
        Address = _factory.ClientOptions.BaseAddress;
    });

    private sealed class Factory(IReadOnlyDictionary<string, string?> settings, Action<IServiceCollection>? configure) : WebApplicationFactory<TProgram>
    {
        private readonly ObservedLifetime _observed = new();

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseEnvironment("Development");
            builder.UseUrls("http://127.0.0.1:0");
            foreach (var (key, value) in settings)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureServices(services =>
            {
                services.AddSingleton<IHostLifetime>(_observed);
                configure?.Invoke(services);
            });
        }

        /// <summary>
        /// The program runs on another thread and must wait until the factory observes it. Otherwise the exception of an early failure is
        /// lost.
        /// </summary>
        protected override IHost CreateHost(IHostBuilder builder)
        {
            var host = builder.Build();
            var started = host.StartAsync();
            _observed.Release();
            started.GetAwaiter().GetResult();
            return host;
        }

        private sealed class ObservedLifetime : IHostLifetime
        {
            private readonly TaskCompletionSource _observed = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public void Release() => _observed.SetResult();

            public Task WaitForStartAsync(CancellationToken cancellationToken) => _observed.Task.WaitAsync(cancellationToken);

            public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        }
    }
}
