using System.Collections.Concurrent;

[assembly: AssemblyFixture(typeof(Kashif.AppHost.Tests.Publications))]

namespace Kashif.AppHost.Tests;

/// <summary>Published directories that several tests read. Each is written once.</summary>
public sealed class Publications : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<Task<PublishedOutput>>> _written = [];
    private readonly ConcurrentBag<PublishedOutput> _all = [];

    /// <summary>What <see cref="PublishedOutput.PublishAsync"/> writes. Do not change its files.</summary>
    internal Task<PublishedOutput> OfAsync(string target, params string[] settings) =>
        OnceAsync(string.Join(' ', settings.Prepend(target)), output => output.PublishAsync(target, settings));

    /// <param name="what">The same for the same content.</param>
    /// <param name="write">Writes the content.</param>
    internal Task<PublishedOutput> OnceAsync(string what, Func<PublishedOutput, Task> write) => _written.GetOrAdd(what, _ => new(async () =>
    {
        var output = new PublishedOutput();
        _all.Add(output);
        await write(output);
        return output;
    })).Value;

    public void Dispose()
    {
        foreach (var output in _all)
        {
            output.Dispose();
        }
    }
}
