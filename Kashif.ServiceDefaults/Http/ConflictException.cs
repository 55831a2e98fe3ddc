namespace Kashif.Http;

/// <summary>A lost race that only an exception can report; becomes a 409.</summary>
public class ConflictException(string message) : Exception(message);
