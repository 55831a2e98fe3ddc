
namespace Kashif.NativeServers;

/// <summary>
/// A server that runs as a process in place of its container. It has the container resource's name, connection string and
/// annotations, so references, waits and endpoints that were given to one lead to the other.
/// </summary>
/// <param name="container">The container resource that this one replaces in the model.</param>
/// <param name="script">The start script, which does what the entry point of the image does.</param>
internal sealed class NativeServer(IResourceWithConnectionString container, string script)
    : ExecutableResource(container.Name, script, Path.GetDirectoryName(script) ?? ""), IResourceWithConnectionString
{
    // An initializer, because the base constructor adds to it already.
    public override ResourceAnnotationCollection Annotations { get; } = container.Annotations;

    public ReferenceExpression ConnectionStringExpression => container.ConnectionStringExpression;

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
        container.GetConnectionProperties();
}
