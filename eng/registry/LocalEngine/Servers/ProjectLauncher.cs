using System.Runtime.InteropServices;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Kashif.LocalEngine;

/// <summary>A .NET project as the assembly that the build made; building is the build's business, not a start's.</summary>
internal sealed class ProjectLauncher(IProjectMetadata project) : ILauncher
{
    // What Aspire's orchestrator does not pass on to projects either.
    private static readonly string[] NotInherited = ["ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "DOTNET_LAUNCH_PROFILE"];

    public bool Chatty => true;

    public void Verify() => _ = Assembly();

    public async Task<IReadOnlyList<ProcessSpec>> PrepareAsync(Instance instance, CancellationToken cancellationToken)
    {
        var environment = await instance.EnvironmentAsync(cancellationToken).ConfigureAwait(false);
        var urls = instance.Resource.Annotations.OfType<EndpointAnnotation>()
            .Where(e => e.UriScheme is "http" or "https")
            .Select(e => $"{e.UriScheme}://{e.TargetHost}:{instance.AddressOf(e).Port}");
        environment.TryAdd("ASPNETCORE_URLS", string.Join(';', urls));

        var arguments = new CommandLineArgsCallbackContext([], cancellationToken);
        foreach (var annotation in instance.Resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(arguments).ConfigureAwait(false);
        }

        return
        [
            new(DotNet(), ["exec", Assembly(), .. arguments.Args.Select(a => a.ToString() ?? "")])
            {
                Environment = environment,
                WithoutEnvironment = NotInherited,
                WorkingDirectory = Path.GetDirectoryName(project.ProjectPath),
            },
        ];
    }

    private static string DotNet()
    {
        var beside = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));
        return File.Exists(beside) ? beside : "dotnet";
    }

    private string Assembly()
    {
        var assembly = project is IBuiltProject built ? built.AssemblyPath : NewestBuild();
        return assembly is not null && File.Exists(assembly)
            ? assembly
            : throw new DistributedApplicationException($"{project.ProjectPath} is not built. Build it first: dotnet build \"{project.ProjectPath}\"");
    }

    private string? NewestBuild()
    {
        var bin = Path.Combine(Path.GetDirectoryName(project.ProjectPath)!, "bin");
        var name = Path.GetFileNameWithoutExtension(project.ProjectPath);
        return Directory.Exists(bin)
            ? Directory.EnumerateFiles(bin, $"{name}.dll", SearchOption.AllDirectories)
                .Where(f => File.Exists(Path.ChangeExtension(f, ".runtimeconfig.json")))
                .MaxBy(File.GetLastWriteTimeUtc)
            : null;
    }
}
