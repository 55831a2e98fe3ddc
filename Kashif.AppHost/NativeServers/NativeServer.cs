
namespace Kashif.NativeServers;

/// <summary>
/// A server that runs as a process instead of a container. It takes over the container resource's name, connection string and
/// annotations, so existing references, waits and endpoints work.
/// </summary>
/// <param name="container">The container resource to replace.</param>
/// <param name="script">The path of the start script.</param>
internal sealed class NativeServer(IResourceWithConnectionString container, string script)
    : ExecutableResource(container.Name, script, Path.GetDirectoryName(script) ?? ""), IResourceWithConnectionString
{
    // Not set in a constructor: the base constructor already adds annotations.
    public override ResourceAnnotationCollection Annotations { get; } = container.Annotations;

    public ReferenceExpression ConnectionStringExpression => container.ConnectionStringExpression;

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
        container.GetConnectionProperties();
}
