using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;
using RabbitMQ.Client;
using StackExchange.Redis;

namespace Kashif.Registry.Tests;

public sealed class AspireClientTests
{
    [Fact]
    public void A_missing_connection_string_is_named()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.AddNpgsqlDbContext<Db>("auth-db");
        builder.AddNpgsqlDataSource("other-db");
        using var services = builder.Services.BuildServiceProvider();

        Should.Throw<InvalidOperationException>(() => services.CreateScope().ServiceProvider.GetRequiredService<Db>())
            .Message.ShouldContain("ConnectionStrings:auth-db");
        Should.Throw<InvalidOperationException>(services.GetRequiredService<NpgsqlDataSource>)
            .Message.ShouldContain("ConnectionStrings:other-db");
    }

    [Fact]
    public void A_context_retries_unless_told_otherwise()
    {
        var builder = Builder();
        builder.AddNpgsqlDbContext<Db>("db", settings => settings.CommandTimeout = 7, options => options.EnableDetailedErrors());
        builder.AddNpgsqlDbContext<OtherDb>("db", settings => settings.DisableRetry = true);
        using var services = builder.Services.BuildServiceProvider();
        using var scope = services.CreateScope();

        var db = scope.ServiceProvider.GetRequiredService<Db>();
        db.Database.CreateExecutionStrategy().RetriesOnFailure.ShouldBeTrue();
        db.Database.GetCommandTimeout().ShouldBe(7);
        scope.ServiceProvider.GetRequiredService<OtherDb>().Database.CreateExecutionStrategy().RetriesOnFailure.ShouldBeFalse();
    }

    [Fact]
    public void A_context_of_the_application_is_enriched()
    {
        var builder = Builder();
        builder.Services.AddDbContextPool<Db>(options => options.UseNpgsql("Host=localhost"));
        builder.EnrichNpgsqlDbContext<Db>(settings => settings.CommandTimeout = 7);
        using var services = builder.Services.BuildServiceProvider();
        using var scope = services.CreateScope();

        var db = scope.ServiceProvider.GetRequiredService<Db>();
        db.Database.CreateExecutionStrategy().RetriesOnFailure.ShouldBeTrue();
        db.Database.GetCommandTimeout().ShouldBe(7);
        db.Database.GetConnectionString().ShouldBe("Host=localhost");
    }

    [Fact]
    public async Task Servers_that_are_gone_show_in_the_health_checks()
    {
        var builder = Builder();
        builder.AddNpgsqlDbContext<Db>("db", settings => settings.DisableRetry = true);
        builder.AddNpgsqlDataSource("db");
        builder.AddRabbitMQClient("messaging", settings => settings.MaxConnectRetryCount = 0);
        builder.AddKeyedRabbitMQClient("messaging", settings => settings.MaxConnectRetryCount = 0);
        builder.AddRedisClient("cache", configureOptions: options => options.ConnectTimeout = 200);
        builder.AddRedisClient("cache");
        await using var services = builder.Services.BuildServiceProvider();

        var report = await services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken);

        report.Entries.Keys.ShouldBe(
            ["Db", "PostgreSql", "RabbitMQ.Client", "RabbitMQ.Client_messaging", "StackExchange.Redis"], ignoreOrder: true);
        report.Entries.Values.ShouldAllBe(entry => entry.Status == HealthStatus.Unhealthy);
    }

    [Fact]
    public void Health_checks_can_be_left_out()
    {
        var builder = Builder();
        builder.AddNpgsqlDbContext<Db>("db", settings => settings.DisableHealthChecks = true);
        builder.AddRabbitMQClient("messaging", settings => settings.DisableHealthChecks = true);
        builder.AddRedisClient("cache", settings => settings.DisableHealthChecks = true);
        using var services = builder.Services.BuildServiceProvider();

        services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations.ShouldBeEmpty();
    }

    [Fact]
    public void An_absent_cache_is_no_error_until_it_is_used()
    {
        var builder = Builder();
        builder.AddRedisClient("cache", configureOptions: options => options.ConnectTimeout = 200);
        using var services = builder.Services.BuildServiceProvider();

        services.GetRequiredService<IConnectionMultiplexer>().IsConnected.ShouldBeFalse();
    }

    [Fact]
    public void The_broker_is_the_one_of_the_connection_string()
    {
        var builder = Builder();
        builder.Configuration["ConnectionStrings:messaging"] = "amqp://user:secret@broker:5673/kashif";
        builder.AddRabbitMQClient("messaging", configureConnectionFactory: factory => factory.ClientProvidedName = "auth");
        using var services = builder.Services.BuildServiceProvider();

        var factory = services.GetRequiredService<IConnectionFactory>();
        factory.Uri.ShouldBe(new Uri("amqp://user:secret@broker:5673/kashif"));
        factory.UserName.ShouldBe("user");
        factory.VirtualHost.ShouldBe("kashif");
        factory.ClientProvidedName.ShouldBe("auth");
    }

    [Fact]
    public void Channels_are_named_literally_or_by_pattern()
    {
        RedisChannel.Literal("a*").ShouldBe(new RedisChannel("a*", RedisChannel.PatternMode.Literal));
        RedisChannel.Pattern("a*").ShouldBe(new RedisChannel("a*", RedisChannel.PatternMode.Pattern));
    }

    private static HostApplicationBuilder Builder()
    {
        var builder = Host.CreateApplicationBuilder();
        var nobody = FreePort();
        builder.Configuration["ConnectionStrings:db"] = $"Host=127.0.0.1;Port={nobody};Username=u;Password=p;Timeout=2";
        builder.Configuration["ConnectionStrings:messaging"] = $"amqp://u:p@127.0.0.1:{nobody}";
        builder.Configuration["ConnectionStrings:cache"] = $"127.0.0.1:{nobody}";
        return builder;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    internal sealed class Db(DbContextOptions<Db> options) : DbContext(options);

    internal sealed class OtherDb(DbContextOptions<OtherDb> options) : DbContext(options);
}
