// Stand-in for Aspire.Hosting.Testing (see README.md): tests start an AppHost, or a few servers, with throw-away data on free ports.
// Left out: DistributedApplicationFactory, and the resilience handler on clients (a test wants to see each answer).

using System.Reflection;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;
using Kashif.LocalEngine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

public static class DistributedApplicationTestingBuilder
{
    public static IDistributedApplicationTestingBuilder Create(params string[] args) => Create(args, (_, _) => { });

    public static IDistributedApplicationTestingBuilder Create(string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder)
    {
        var interception = new Interception(Assembly.GetCallingAssembly(), (options, settings) => Configure(args, options, settings, appHost: null, configureBuilder));
        return new TestingBuilder(interception.Construct(), interception, suspended: false);
    }

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default) where TEntryPoint : class =>
        CreateAsync<TEntryPoint>([], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, CancellationToken cancellationToken = default) where TEntryPoint : class =>
        CreateAsync(typeof(TEntryPoint), args, (_, _) => { }, cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder, CancellationToken cancellationToken = default) =>
        CreateAsync(typeof(TEntryPoint), args, configureBuilder, cancellationToken);

    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync(Type entryPoint, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder, CancellationToken cancellationToken = default)
    {
        var interception = new Interception(entryPoint.Assembly, (options, settings) => Configure(args, options, settings, entryPoint.Assembly, configureBuilder));
        interception.Start(args);
        return new TestingBuilder(await interception.Builder.WaitAsync(cancellationToken).ConfigureAwait(false), interception, suspended: true);
    }

    private static void Configure(string[] args, DistributedApplicationOptions options, HostApplicationBuilderSettings settings, Assembly? appHost, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder)
    {
        // An AppHost passes on the arguments that its Main was given, which are these.
        settings.Args ??= args;
        options.Args = settings.Args;
        options.DisableDashboard = true;
        options.EnableResourceLogging = true;
        options.Testing = true;
        settings.Configuration ??= new();

        var defaults = new Dictionary<string, string?> { ["DcpPublisher:RandomizePorts"] = "true" };
        foreach (var (name, value) in LaunchProfile(appHost))
        {
            // The AppHost is not launched, so its launch profile speaks through configuration; as in Aspire, prefixed names also without their prefix.
            defaults[name] = value;
            defaults[name.Replace("DOTNET_", "", StringComparison.Ordinal)] = value;
        }

        settings.Configuration.AddInMemoryCollection(defaults);
        settings.EnvironmentName ??= defaults.GetValueOrDefault("ENVIRONMENT");
        configureBuilder(options, settings);
    }

    private static IEnumerable<(string Name, string Value)> LaunchProfile(Assembly? appHost)
    {
        var directory = appHost?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => string.Equals(a.Key, "apphostprojectpath", StringComparison.OrdinalIgnoreCase))?.Value;
        var file = directory is null ? null : Path.Combine(directory, "Properties", "launchSettings.json");
        if (!File.Exists(file))
        {
            return [];
        }

        var profiles = JsonNode.Parse(File.ReadAllText(file))?["profiles"]?.AsObject();
        return profiles?.FirstOrDefault().Value?["environmentVariables"]?.AsObject().Select(v => (v.Key, v.Value?.ToString() ?? "")) ?? [];
    }

    private sealed class TestingBuilder(DistributedApplicationBuilder inner, Interception interception, bool suspended) : IDistributedApplicationTestingBuilder
    {
        private DistributedApplication? _application;

        public ConfigurationManager Configuration => inner.Configuration;

        public string AppHostDirectory => inner.AppHostDirectory;

        public Assembly? AppHostAssembly => inner.AppHostAssembly;

        public IHostEnvironment Environment => inner.Environment;

        public IServiceCollection Services => inner.Services;

        public DistributedApplicationExecutionContext ExecutionContext => inner.ExecutionContext;

        public IResourceCollection Resources => inner.Resources;

        public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource => inner.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => inner.CreateResourceBuilder(resource);

        public DistributedApplication Build() => BuildAsync(CancellationToken.None).GetAwaiter().GetResult();

        public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) =>
            _application = suspended ? await interception.BuildAsync(cancellationToken).ConfigureAwait(false) : inner.Build();

        public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

        public async ValueTask DisposeAsync()
        {
            if (_application is not null)
            {
                await _application.DisposeAsync().ConfigureAwait(false);
            }

            interception.Dispose();
        }
    }
}
