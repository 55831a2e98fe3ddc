namespace Kashif.Http;

/// <summary>https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/</summary>
public static class IdempotencyHeaders
{
    public const string Key = "Idempotency-Key";

    /// <summary><c>true</c> on a stored response to an earlier request.</summary>
    public const string Replayed = "Idempotency-Replayed";
}
