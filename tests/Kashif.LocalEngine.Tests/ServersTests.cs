using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.LocalEngine.Tests;

public sealed class ServersTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_engines_run_side_by_side_and_leave_no_data_behind()
    {
        string[] roots;
        {
            await using var one = await StartAsync();
            await using var other = await StartAsync();
            await Task.WhenAll(from application in new[] { one, other }
                               from name in new[] { "sample", "broker", "cache" }
                               select application.ResourceNotifications.WaitForResourceHealthyAsync(name, Cancelled));

            foreach (var name in new[] { "sample", "broker", "cache" })
            {
                (await one.GetConnectionStringAsync(name, Cancelled)).ShouldNotBe(await other.GetConnectionStringAsync(name, Cancelled));
            }

            roots = [Root(one), Root(other)];
            roots.ShouldAllBe(r => Directory.Exists(r));
        }

        roots.ShouldAllBe(r => !Directory.Exists(r));
    }

    [Fact]
    public async Task A_missing_server_is_named_with_the_command_that_installs_it_before_anything_starts()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddRedis("cache").WithAnnotation<ILauncher>(new MissingLauncher());
        await using var application = await builder.BuildAsync(Cancelled);

        var failure = await Should.ThrowAsync<DistributedApplicationException>(() => application.StartAsync(Cancelled));
        failure.Message.ShouldContain("Valkey is not installed");
        failure.Message.ShouldContain("apt-get install -y valkey-server");
        failure.Message.ShouldContain("brew install valkey");
        Directory.Exists(Root(application)).ShouldBeFalse();
    }

    [Fact]
    public void A_port_is_given_once_while_it_is_held_and_a_server_can_listen_on_it()
    {
        using var ports = new Ports();
        var taken = Enumerable.Range(0, 300).Select(_ => ports.Take()).ToList();
        taken.Distinct().Count().ShouldBe(taken.Count);
        taken.ShouldAllBe(p => Ports.IsFree(p));
    }

    private static async Task<DistributedApplication> StartAsync()
    {
        var builder = DistributedApplicationTestingBuilder.Create();
        builder.AddPostgres("postgres").AddDatabase("sample");
        builder.AddRabbitMQ("broker");
        builder.AddRedis("cache");
        var application = await builder.BuildAsync(Cancelled);
        await application.StartAsync(Cancelled);
        return application;
    }

    private static string Root(DistributedApplication application) => application.Services.GetRequiredService<EngineOptions>().Root;

    private sealed class MissingLauncher : ILauncher
    {
        public bool Chatty => false;

        public void Verify() => throw new MissingServerException("Valkey", "valkey-server", "valkey-server", "valkey");

        public Task<IReadOnlyList<ProcessSpec>> PrepareAsync(Instance instance, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
