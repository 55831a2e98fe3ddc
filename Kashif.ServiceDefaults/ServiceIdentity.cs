namespace Kashif;

/// <summary>The service that this process runs.</summary>
/// <param name="Name">From <see cref="ResourceNames"/>. Also names its queue, its CloudEvents source and its API scopes.</param>
public sealed record ServiceIdentity(string Name);
