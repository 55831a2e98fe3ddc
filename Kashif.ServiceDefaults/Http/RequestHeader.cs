namespace Kashif.Http;

/// <summary>Endpoint metadata: a request header for the OpenAPI document.</summary>
/// <param name="MaxLength">In characters.</param>
public sealed record RequestHeader(string Name, string Description, int MaxLength, string Example);
