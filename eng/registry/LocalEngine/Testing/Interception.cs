using System.Reflection;
using Aspire.Hosting;
using Microsoft.Extensions.Hosting;

namespace Kashif.LocalEngine;

/// <summary>Runs an AppHost's own Main and stops it where it builds, so that a test can change what is built and then owns it.</summary>
internal sealed class Interception(Assembly entryAssembly, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure) : IDisposable
{
    private static readonly AsyncLocal<Interception?> Ambient = new();

    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _mayBuild = new(0);

    /// <summary>The interception in which the calling Main runs, if any.</summary>
    public static Interception? Current => Ambient.Value;

    public Assembly EntryAssembly => entryAssembly;

    public Task<DistributedApplicationBuilder> Builder => _builder.Task;

    /// <summary>The application is disposed of.</summary>
    public Task Finished => _finished.Task;

    /// <summary>A builder of the test's own, without an AppHost.</summary>
    public DistributedApplicationBuilder Construct()
    {
        Ambient.Value = this;
        try
        {
            return new(new DistributedApplicationOptions());
        }
        finally
        {
            Ambient.Value = null;
        }
    }

    public void Start(string[] args)
    {
        var main = entryAssembly.EntryPoint ?? throw new InvalidOperationException($"Assembly {entryAssembly.GetName().Name} does not have an entry point.");
        var thread = new Thread(() => Invoke(main, args)) { IsBackground = true, Name = "AppHost" };
        thread.Start();
    }

    public void Configure(DistributedApplicationOptions options, HostApplicationBuilderSettings settings) => configure(options, settings);

    public void Building(DistributedApplicationBuilder builder)
    {
        if (Current is not null)
        {
            _builder.TrySetResult(builder);
            _mayBuild.Wait();
        }
    }

    public void Built(DistributedApplication application) => _application.TrySetResult(application);

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.Release();
        return _application.Task.WaitAsync(cancellationToken);
    }

    public void Finish() => _finished.TrySetResult();

    public void Dispose()
    {
        Finish();
        _mayBuild.Release();
    }

    private void Invoke(MethodInfo main, string[] args)
    {
        Ambient.Value = this;
        try
        {
            var result = main.Invoke(null, BindingFlags.DoNotWrapExceptions, binder: null, main.GetParameters().Length == 0 ? [] : [args], culture: null);
            (result as Task)?.GetAwaiter().GetResult();
            Fail(new InvalidOperationException("The entry point exited without building an application."));
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Fail(Exception e)
    {
        _builder.TrySetException(e);
        _application.TrySetException(e);
    }
}
