extern alias AppHost;

using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Kashif.Testing;

/// <summary>The AppHost's PostgreSQL, RabbitMQ and Redis without its services, of the test run's own and with throw-away data.</summary>
public sealed class TestServers : IAsyncDisposable
{
    private const string Database = ResourceNames.AuthDb;
    private readonly DistributedApplication _application;

    private TestServers(DistributedApplication application, string database, string messaging, string cache)
    {
        _application = application;
        DatabaseServer = database;
        Messaging = messaging;
        Cache = cache;
    }

    /// <summary>The connection string of one database; another name in it makes another database, which migrations create.</summary>
    public string DatabaseServer { get; }
    public string Messaging { get; }
    public string Cache { get; }

    /// <summary>Stops and starts the servers: <c>ResourceCommands</c> takes the names of <see cref="ResourceNames"/>.</summary>
    public ResourceCommandService Commands => _application.ResourceCommands;

    public static async Task<TestServers> StartAsync()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<AppHost::Projects.Kashif_AppHost>();
        foreach (var project in builder.Resources.OfType<ProjectResource>().ToArray())
        {
            builder.Resources.Remove(project);
        }

        builder.WithThrowAwayData();
        var application = await builder.BuildAsync();
        await application.StartAsync();
        string[] names = [Database, ResourceNames.Messaging, ResourceNames.Cache];
        await Task.WhenAll(names.Select(name => application.ResourceNotifications.WaitForResourceHealthyAsync(name)));
        var strings = await Task.WhenAll(names.Select(async name => await application.GetConnectionStringAsync(name)
            ?? throw new InvalidOperationException($"'{name}' has no connection string.")));
        return new TestServers(application, strings[0], strings[1], strings[2]);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();
}

/// <summary>What every test that starts the AppHost needs.</summary>
public static class TestingBuilderExtensions
{
    /// <summary>Takes the servers off the volumes on which <c>./kashif run</c> keeps its data.</summary>
    public static void WithThrowAwayData(this IDistributedApplicationTestingBuilder builder)
    {
        foreach (var resource in builder.Resources)
        {
            foreach (var volume in resource.Annotations.OfType<ContainerMountAnnotation>().ToArray())
            {
                resource.Annotations.Remove(volume);
            }
        }
    }
}
