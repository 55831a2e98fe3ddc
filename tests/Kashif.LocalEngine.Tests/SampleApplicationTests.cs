using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Npgsql;
using RabbitMQ.Client;

namespace Kashif.LocalEngine.Tests;

public sealed class SampleApplicationTests(SampleApplication sample) : IClassFixture<SampleApplication>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private ResourceNotificationService Notifications => sample.Application.ResourceNotifications;

    [Fact]
    public async Task A_service_gets_the_environment_that_Aspire_injects()
    {
        var environment = await EnvironmentOfAsync("api");

        var database = await ConnectionStringAsync("sample-db");
        database.ShouldMatch(@"^Host=localhost;Port=\d+;Username=postgres;Password=.{22};Database=sample-db$");
        environment["ConnectionStrings__sample-db"].ShouldBe(database);
        environment["SAMPLE_DB_HOST"].ShouldBe("localhost");
        environment["SAMPLE_DB_PORT"].ShouldBe(new NpgsqlConnectionStringBuilder(database).Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        environment["SAMPLE_DB_USERNAME"].ShouldBe("postgres");
        environment["SAMPLE_DB_DATABASENAME"].ShouldBe("sample-db");
        environment["SAMPLE_DB_URI"].ShouldStartWith("postgresql://postgres:");
        environment["SAMPLE_DB_URI"].ShouldEndWith("/sample-db");

        var messaging = await ConnectionStringAsync("messaging");
        messaging.ShouldMatch(@"^amqp://guest:[A-Za-z0-9]{22}@localhost:\d+$");
        environment["ConnectionStrings__messaging"].ShouldBe(messaging);
        environment["MESSAGING_URI"].ShouldBe(messaging);

        var cache = await ConnectionStringAsync("cache");
        cache.ShouldMatch(@"^localhost:\d+,password=[A-Za-z0-9]{22}$");
        environment["ConnectionStrings__cache"].ShouldBe(cache);

        environment["Sample__Secret"].ShouldBe("given");
        environment["ASPNETCORE_URLS"].ShouldBe(sample.Application.GetEndpoint("api").ToString().TrimEnd('/'));
        environment["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"].ShouldBe("true");
        environment.ShouldNotContainKey("OTEL_EXPORTER_OTLP_ENDPOINT", "tests have no dashboard");
        environment.ShouldNotContainKey("DOTNET_ENVIRONMENT", "Aspire does not pass it on");
    }

    [Fact]
    public async Task Replicas_are_processes_of_their_own_behind_one_name()
    {
        var environment = await EnvironmentOfAsync("front");

        string[] addresses = [environment["services__api__http__0"], environment["services__api__http__1"]];
        addresses.Distinct().Count().ShouldBe(2);
        environment["API_HTTP"].ShouldBe(addresses[0]);
        environment.ShouldNotContainKey("services__api__http__2");
        using var client = new HttpClient();
        var processes = await Task.WhenAll(addresses.Select(a => client.GetFromJsonAsync<int>($"{a}/pid", Cancelled)));
        processes.ShouldBe([ProcessOf("api-0"), ProcessOf("api-1")]);
        processes.Distinct().Count().ShouldBe(2);
        Notifications.TryGetCurrentState("api", out _).ShouldBeFalse("a name does not say which replica");
    }

    [Fact]
    public void A_fixed_port_is_not_used_in_a_test() => sample.Application.GetEndpoint("front", "http").Port.ShouldNotBe(1);

    [Fact]
    public async Task The_broker_keeps_a_durable_message_over_stop_and_start()
    {
        const string Queue = "durable";
        var address = await ConnectionStringAsync("messaging");
        await using (var connection = await new ConnectionFactory { Uri = new(address) }.CreateConnectionAsync(Cancelled))
        {
            await using var channel = await connection.CreateChannelAsync(new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Cancelled);
            await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: Cancelled);
            await channel.BasicPublishAsync("", Queue, mandatory: true, new BasicProperties { Persistent = true }, "kept"u8.ToArray(), Cancelled);
        }

        await CommandAsync("messaging", KnownResourceCommands.StopCommand);
        await Should.ThrowAsync<RabbitMQ.Client.Exceptions.BrokerUnreachableException>(() => new ConnectionFactory { Uri = new(address) }.CreateConnectionAsync(Cancelled));
        await CommandAsync("messaging", KnownResourceCommands.StartCommand);
        await sample.HealthyAsync("messaging");

        (await ConnectionStringAsync("messaging")).ShouldBe(address);
        await using var again = await new ConnectionFactory { Uri = new(address) }.CreateConnectionAsync(Cancelled);
        await using var reading = await again.CreateChannelAsync(cancellationToken: Cancelled);
        var message = await reading.BasicGetAsync(Queue, autoAck: true, Cancelled);
        Encoding.UTF8.GetString(message.ShouldNotBeNull().Body.Span).ShouldBe("kept");
    }

    [Fact]
    public async Task The_database_is_the_same_after_a_restart()
    {
        await ExecuteAsync("CREATE TABLE kept (id int)");
        await CommandAsync("postgres", KnownResourceCommands.RestartCommand);
        await sample.HealthyAsync("sample-db");
        await ExecuteAsync("INSERT INTO kept VALUES (1)");
    }

    [Fact]
    public async Task A_killed_service_is_seen_as_ended_and_can_be_started_at_once()
    {
        var killed = ProcessOf("front");
        using (var process = Process.GetProcessById(killed))
        {
            process.Kill();
        }

        var ended = await Notifications.WaitForResourceAsync("front", e => e.Snapshot.State?.Text == KnownResourceStates.Finished, Cancelled);
        ended.Snapshot.ExitCode.ShouldBe(137);
        await CommandAsync("front", KnownResourceCommands.StartCommand);
        await sample.HealthyAsync("front");
        ProcessOf("front").ShouldNotBe(killed);

        using (var process = Process.GetProcessById(ProcessOf("front")))
        {
            process.Kill();
            await process.WaitForExitAsync(Cancelled);
        }

        await CommandAsync("front", KnownResourceCommands.StartCommand);
        await sample.HealthyAsync("front");
        using var client = sample.Application.CreateHttpClient("front");
        (await client.GetFromJsonAsync<int>("/pid", Cancelled)).ShouldBe(ProcessOf("front"));
    }

    [Fact]
    public async Task A_crash_is_reported_with_its_exit_code_and_its_last_lines_and_takes_nothing_else_down()
    {
        using var client = sample.Application.CreateHttpClient("front");
        using var crash = await client.PostAsync("/crash", content: null, Cancelled).ContinueWith(_ => new HttpResponseMessage(), TaskScheduler.Default);
        await Notifications.WaitForResourceAsync("front", KnownResourceStates.Finished, Cancelled);

        var failure = await Should.ThrowAsync<Aspire.Hosting.DistributedApplicationException>(() => Notifications.WaitForResourceHealthyAsync("front", Cancelled));
        failure.Message.ShouldContain("exit code 7");
        failure.Message.ShouldContain("the last words");
        using var other = sample.Application.CreateHttpClient("api");
        using var alive = await other.GetAsync("/health", Cancelled);
        alive.IsSuccessStatusCode.ShouldBeTrue();
        await CommandAsync("front", KnownResourceCommands.StartCommand);
        await sample.HealthyAsync("front");
    }

    private async Task<Dictionary<string, string>> EnvironmentOfAsync(string resource)
    {
        using var client = sample.Application.CreateHttpClient(resource);
        return (await client.GetFromJsonAsync<Dictionary<string, string>>("/environment", Cancelled)).ShouldNotBeNull();
    }

    private async Task<string> ConnectionStringAsync(string resource) =>
        (await sample.Application.GetConnectionStringAsync(resource, Cancelled)).ShouldNotBeNull();

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(await ConnectionStringAsync("sample-db") + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private async Task CommandAsync(string resource, string command)
    {
        var result = await sample.Application.ResourceCommands.ExecuteCommandAsync(resource, command, Cancelled);
        result.Success.ShouldBeTrue(result.ErrorMessage);
    }

    private int ProcessOf(string instance)
    {
        Notifications.TryGetCurrentState(instance, out var state).ShouldBeTrue(instance);
        return state.ShouldNotBeNull().Snapshot.Properties.Single(p => p.Name == "executable.pid").Value.ShouldBeOfType<int>();
    }
}
