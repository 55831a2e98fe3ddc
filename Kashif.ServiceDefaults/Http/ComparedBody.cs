namespace Kashif.Http;

/// <summary>
/// Request feature: what an idempotency key compares of a body that is not JSON or CSV. An endpoint sets it before the key is claimed.
/// </summary>
/// <param name="Bytes">The same for a repeated request, such as a hash of an uploaded file.</param>
public sealed record ComparedBody(ReadOnlyMemory<byte> Bytes);
