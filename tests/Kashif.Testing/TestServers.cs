using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Testing;

/// <summary>The AppHost's PostgreSQL, RabbitMQ and Redis, without services and with temporary data.</summary>
public sealed class TestServers : IAsyncDisposable
{
    private const string Database = ResourceNames.AuthDb;
    private static readonly string[] All = [Database, ResourceNames.Messaging, ResourceNames.Cache];
    private readonly DistributedApplication _application;
    private readonly Dictionary<string, string> _strings;

    private TestServers(DistributedApplication application, Dictionary<string, string> strings)
    {
        _application = application;
        _strings = strings;
    }

    /// <summary>A connection string to one database. Migrations create the database if its name is changed.</summary>
    public string DatabaseServer => _strings[Database];
    public string Messaging => _strings[ResourceNames.Messaging];
    public string Cache => _strings[ResourceNames.Cache];

    /// <summary>Commands to stop and start servers, by the names in <see cref="ResourceNames"/>.</summary>
    public ResourceCommandService Commands => _application.ResourceCommands;

    /// <summary>The log of a server so far, until it has this text.</summary>
    public async Task<string> LogAsync(string resource, string until, CancellationToken cancellationToken)
    {
        var logs = _application.Services.GetRequiredService<ResourceLoggerService>();
        if (!_application.ResourceNotifications.TryGetCurrentState(resource, out var state))
        {
            throw new InvalidOperationException($"'{resource}' does not exist.");
        }

        var log = new StringBuilder();
        await foreach (var lines in logs.WatchAsync(state.ResourceId).WithCancellation(cancellationToken))
        {
            foreach (var line in lines)
            {
                log.AppendLine(line.Content);
            }

            if (log.ToString().Contains(until, StringComparison.Ordinal))
            {
                return log.ToString();
            }
        }

        throw new InvalidOperationException($"The log ended without '{until}':\n{log}");
    }

    public static Task<TestServers> StartAsync() => StartAsync(All, []);

    /// <summary>Starts only Redis.</summary>
    public static Task<TestServers> StartCacheAsync() => StartAsync(
        [ResourceNames.Cache],
        [ResourceNames.Postgres, ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb, ResourceNames.NotificationsDb, ResourceNames.Messaging]);

    private static async Task<TestServers> StartAsync(string[] names, string[] without)
    {
        var builder = await TestAppHost.CreateAsync();
        foreach (var resource in builder.Resources.Where(resource => resource is ProjectResource || without.Contains(resource.Name)).ToArray())
        {
            builder.Resources.Remove(resource);
        }

        var application = await builder.BuildAsync();
        await application.StartAsync();
        await Task.WhenAll(names.Select(name => application.ResourceNotifications.WaitForResourceHealthyAsync(name)));
        var strings = new Dictionary<string, string>();
        foreach (var name in names)
        {
            strings[name] = await application.GetConnectionStringAsync(name)
                ?? throw new InvalidOperationException($"'{name}' has no connection string.");
        }

        return new TestServers(application, strings);
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();
}
