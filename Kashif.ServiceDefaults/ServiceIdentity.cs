namespace Kashif;

/// <summary>Which service this process is.</summary>
/// <param name="Name">Its name in <see cref="ResourceNames"/>: its queue, its CloudEvents source, its area in the API.</param>
public sealed record ServiceIdentity(string Name);
