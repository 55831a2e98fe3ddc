// Stand-in for Aspire.Hosting (see README.md): building an application. Left out: publishing, the eventing bus and pipelines.

using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Kashif.LocalEngine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting;

public enum DistributedApplicationOperation
{
    Run,
    Publish,
}

public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
{
    public DistributedApplicationOperation Operation { get; } = operation;

    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;

    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;
}

public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    public string? AssemblyName { get; set; }

    public bool DisableDashboard { get; set; }

    public bool EnableResourceLogging { get; set; }

    /// <summary>Set by the testing builder: throw-away data, nothing on the console.</summary>
    internal bool Testing { get; set; }
}

public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }

    string AppHostDirectory { get; }

    Assembly? AppHostAssembly { get; }

    IHostEnvironment Environment { get; }

    IServiceCollection Services { get; }

    DistributedApplicationExecutionContext ExecutionContext { get; }

    IResourceCollection Resources { get; }

    IResourceBuilder<T> AddResource<T>(T resource) where T : IResource;

    IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource;

    DistributedApplication Build();
}

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;

    internal DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        Interception = Interception.Current;
        var settings = new HostApplicationBuilderSettings { Args = options.Args };
        Interception?.Configure(options, settings);

        AppHostAssembly = Interception?.EntryAssembly
            ?? (options.AssemblyName is null ? Assembly.GetEntryAssembly() : Assembly.Load(options.AssemblyName));
        AppHostDirectory = AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(a => string.Equals(a.Key, "apphostprojectpath", StringComparison.OrdinalIgnoreCase))?.Value
            ?? Directory.GetCurrentDirectory();
        settings.ContentRootPath ??= Directory.Exists(AppHostDirectory) ? AppHostDirectory : null;
        settings.ApplicationName ??= AppHostAssembly?.GetName().Name;

        _host = new HostApplicationBuilder(settings);
        ExecutionContext = new(Configuration["Publishing:Publisher"] is not null || Configuration["operation"] == "publish"
            ? DistributedApplicationOperation.Publish
            : DistributedApplicationOperation.Run);
        if (ExecutionContext.IsPublishMode)
        {
            throw new DistributedApplicationException("The local engine runs an application; publishing it needs the Aspire packages (KASHIF_REGISTRY=full).");
        }

        var engine = EngineOptions.Create(options, Configuration, AppHostDirectory);
        Workspace = new(engine);
        Secrets = new(engine.ThrowAway ? null : Path.Combine(engine.Root, "secrets.json"));

        Services.AddSingleton(engine);
        Services.AddSingleton(Workspace);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton<LogStore>();
        Services.AddSingleton<Supervisor>();
        Services.AddSingleton<Dashboard>();
        Services.AddSingleton<Orchestrator>();
        Services.AddHostedService(s => s.GetRequiredService<Orchestrator>());
        Services.AddSingleton(s => new ResourceNotificationService(s.GetRequiredService<IOptions<ResourceNotificationServiceOptions>>(), s.GetRequiredService<LogStore>()));
        Services.AddSingleton(s => new ResourceCommandService(s.GetRequiredService<Orchestrator>()));
        Services.Configure<ResourceNotificationServiceOptions>(o => o.DefaultWaitBehavior = options.DisableDashboard ? WaitBehavior.StopOnResourceUnavailable : WaitBehavior.WaitOnResourceUnavailable);
        Services.Configure<ConsoleLifetimeOptions>(o => o.SuppressStatusMessages = true);
        Services.AddHttpClient();
        Services.AddLogging(l => l.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None).AddFilter("System.Net.Http.HttpClient", LogLevel.Warning));
        if (options.Testing)
        {
            // A test that wants the logs adds its own provider; the console belongs to the test runner.
            _host.Logging.ClearProviders();
        }
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    internal Workspace Workspace { get; }

    internal SecretStore Secrets { get; }

    internal Interception? Interception { get; }

    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        if (Resources.Any(r => string.Equals(r.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new DistributedApplicationException($"Cannot add resource of type '{resource.GetType()}' with name '{resource.Name}' because a resource with that name already exists. Resource names are case-insensitive.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        Interception?.Building(this);
        var application = new DistributedApplication(_host.Build(), Interception);
        Interception?.Built(application);
        return application;
    }
}
