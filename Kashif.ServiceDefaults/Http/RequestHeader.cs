namespace Kashif.Http;

/// <summary>Endpoint metadata: a request header that the endpoint understands, for its documentation.</summary>
/// <param name="Name">As clients send it.</param>
/// <param name="MaxLength">In characters.</param>
public sealed record RequestHeader(string Name, string Description, int MaxLength, string Example);
