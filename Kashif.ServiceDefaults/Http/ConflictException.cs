namespace Kashif.Http;

/// <summary>A conflict with a concurrent request, for code that cannot return an <see cref="Error"/>. Becomes a 409.</summary>
public class ConflictException(string message) : Exception(message);
