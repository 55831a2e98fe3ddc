using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Kashif.AppHost.Tests;

/// <summary>The resources that AppHost.cs declares, without starting them.</summary>
public sealed class TopologyTests
{
    private static readonly string[] Databases =
        [ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb, ResourceNames.NotificationsDb];

    private static readonly string[] Servers = [ResourceNames.Postgres, ResourceNames.Messaging, ResourceNames.Cache];

    [Fact]
    public async Task Resources_do_not_reference_each_other_in_a_circle()
    {
        await using var builder = await TestAppHost.CreateAsync();
        var references = builder.Resources.ToDictionary(resource => resource.Name, resource => resource.Annotations.OfType<ResourceRelationshipAnnotation>()
            .Where(relationship => relationship.Type == "Reference" && relationship.Resource.Name != resource.Name).Select(relationship => relationship.Resource.Name).ToArray());
        references[ResourceNames.Gateway].ShouldContain(ResourceNames.Auth); // else nothing was read

        foreach (var start in references.Keys)
        {
            Reachable(start, references).ShouldNotContain(start);
        }
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task Servers_are_containers_or_executables_as_the_setting_says(string containers)
    {
        await using var builder = await TestAppHost.CreateAsync($"--Containers={containers}");

        foreach (var server in builder.Resources.Where(resource => Servers.Contains(resource.Name)))
        {
            server.IsContainer().ShouldBe(containers == "true", server.Name);
            (server is ExecutableResource).ShouldBe(containers == "false", server.Name);
        }

        builder.Resources.Count(resource => Servers.Contains(resource.Name)).ShouldBe(Servers.Length);
        builder.Resources.Count(resource => Databases.Contains(resource.Name)).ShouldBe(Databases.Length);
    }

    [Fact]
    public async Task Containers_of_throw_away_runs_have_volumes_of_their_own()
    {
        await using var one = await TestAppHost.CreateAsync("--Containers=true");
        await using var other = await TestAppHost.CreateAsync("--Containers=true");
        string[] volumes = [.. VolumesOf(one), .. VolumesOf(other)];

        volumes.Length.ShouldBe(6);
        volumes.ShouldBeUnique();
        volumes.ShouldAllBe(volume => volume.StartsWith($"kashif-run-{Environment.ProcessId}-"));

        static IEnumerable<string> VolumesOf(IDistributedApplicationBuilder builder) => builder.Resources
            .SelectMany(resource => resource.Annotations.OfType<ContainerMountAnnotation>())
            .Where(mount => mount.Type == ContainerMountType.Volume).Select(mount => mount.Source ?? "");
    }

    [Fact]
    public async Task A_server_whose_connection_strings_are_given_is_not_started()
    {
        string[] given = [.. Databases, ResourceNames.Messaging, ResourceNames.Cache];
        await using var builder = await TestAppHost.CreateAsync([.. given.Select(name => $"--ConnectionStrings:{name}=Host=elsewhere;Name={{{name}}}")]);

        builder.Resources.Select(resource => resource.Name).ShouldNotContain(ResourceNames.Postgres);
        foreach (var name in given)
        {
            var resource = builder.Resources.Single(resource => resource.Name == name);
            resource.ShouldNotBeAssignableTo<ExecutableResource>();
            resource.IsContainer().ShouldBeFalse();
            (await resource.ShouldBeAssignableTo<IResourceWithConnectionString>().ShouldNotBeNull().GetConnectionStringAsync(TestContext.Current.CancellationToken))
                .ShouldBe($"Host=elsewhere;Name={{{name}}}");
        }
    }

    [Fact]
    public async Task One_external_database_leaves_the_others_on_the_server()
    {
        await using var builder = await TestAppHost.CreateAsync($"--ConnectionStrings:{ResourceNames.AuthDb}=Host=elsewhere");

        builder.Resources.Select(resource => resource.Name).ShouldContain(ResourceNames.Postgres);
        builder.Resources.OfType<PostgresDatabaseResource>().Select(database => database.Name)
            .ShouldBe(Databases.Where(name => name != ResourceNames.AuthDb), ignoreOrder: true);
    }

    [Theory]
    [InlineData("--Containers=perhaps", "Containers")]
    [InlineData("--Parameters:gateway-port=65536", "Parameters__gateway-port")]
    [InlineData("--Parameters:gateway-port=http", "Parameters__gateway-port")]
    [InlineData("--Parameters:admin-email=nonsense", "Parameters__admin-email")]
    [InlineData("--Parameters:admin-email=admin@city\u200b.example", "Parameters__admin-email")]
    [InlineData("--Parameters:admin-email=إدارة@city.example", "Parameters__admin-email")]
    [InlineData("--Parameters:admin-password=password", "Parameters__admin-password")]
    [InlineData("--Parameters:public-url=kashif.example.org", "Parameters__public-url")]
    [InlineData("--Parameters:trusted-proxies=10.0.0.0/8 ingress", "Parameters__trusted-proxies")]
    [InlineData("--Parameters:postgres-password=a;b", "Parameters__postgres-password")]
    [InlineData("--Parameters:messaging-password=a\"b", "Parameters__messaging-password")]
    [InlineData("--Parameters:cache-password=a\\b", "Parameters__cache-password")]
    public async Task A_setting_that_cannot_be_used_is_named(string argument, string setting)
    {
        var exception = await Should.ThrowAsync<Exception>(() => TestAppHost.CreateAsync(argument));

        exception.Message.ShouldContain(setting);
    }

    [Fact]
    public async Task A_health_check_waits_for_a_server_that_starts()
    {
        var checks = 0;
        await using var builder = await TestAppHost.CreateAsync();
        builder.Services.AddHealthChecks().AddCheck("starting", () => ++checks switch
        {
            1 => throw new SocketException(),
            2 => HealthCheckResult.Unhealthy(),
            _ => HealthCheckResult.Healthy(),
        });
        await using var application = await builder.BuildAsync(TestContext.Current.CancellationToken);

        var report = await application.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(check => check.Name == "starting", TestContext.Current.CancellationToken);

        report.Status.ShouldBe(HealthStatus.Healthy);
        checks.ShouldBe(3);
    }

    private static HashSet<string> Reachable(string start, Dictionary<string, string[]> references)
    {
        var seen = new HashSet<string>();
        var next = new Stack<string>(references.GetValueOrDefault(start, []));
        while (next.TryPop(out var name))
        {
            if (seen.Add(name))
            {
                foreach (var further in references.GetValueOrDefault(name, []))
                {
                    next.Push(further);
                }
            }
        }

        return seen;
    }
}
