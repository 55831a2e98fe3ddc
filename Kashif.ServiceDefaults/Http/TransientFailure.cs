using System.Data.Common;

namespace Kashif.Http;

/// <summary>Database errors that a retry may solve.</summary>
public static class TransientFailure
{
    /// <summary>True for an error such as a lost connection, a deadlock or a serialization failure.</summary>
    public static bool Is(Exception? exception) =>
        exception is not null && (exception is DbException { IsTransient: true } || Is(exception.InnerException));
}
