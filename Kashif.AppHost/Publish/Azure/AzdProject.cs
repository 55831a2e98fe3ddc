namespace Kashif.Publish.Azure;

/// <summary>The part of azd's project file that is written.</summary>
internal sealed record AzdProject(string Name, AzdInfrastructure Infra, IReadOnlyDictionary<string, AzdService> Services);

internal sealed record AzdInfrastructure(string Provider, string Path);

/// <param name="Project">The directory of the project, from the file's.</param>
/// <param name="Uses">The services that are deployed before it.</param>
internal sealed record AzdService(string Project, string Language, string Host, IReadOnlyList<string> Uses);
