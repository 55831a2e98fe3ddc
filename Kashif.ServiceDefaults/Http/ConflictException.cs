namespace Kashif.Http;

/// <summary>A race that the request has lost, where only an exception can say it: a 409.</summary>
public class ConflictException(string message) : Exception(message);
