// Stand-in for Aspire.Hosting (see README.md): projects and containers.
// Containers here are known servers that run as native processes; any other image cannot run.

namespace Aspire.Hosting
{
    public interface IProjectMetadata : ApplicationModel.IResourceAnnotation
    {
        string ProjectPath { get; }

        bool SuppressBuild => false;
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport, IComputeResource;

    public class ContainerResource(string name, string? entrypoint = null) : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IComputeResource
    {
        public string? Entrypoint { get; set; } = entrypoint;
    }
}

namespace Kashif.LocalEngine
{
    /// <summary>What the build knows of a referenced project beyond its path: the assembly it makes. Implemented by the generated <c>Projects</c> classes.</summary>
    public interface IBuiltProject : Aspire.Hosting.IProjectMetadata
    {
        string AssemblyPath { get; }
    }
}
