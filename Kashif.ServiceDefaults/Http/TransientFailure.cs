using System.Data.Common;

namespace Kashif.Http;

/// <summary>Failures of a database that pass by themselves.</summary>
public static class TransientFailure
{
    /// <summary>The same work may well succeed in a moment: no connection, a deadlock, a serialization failure.</summary>
    public static bool Is(Exception? exception) =>
        exception is not null && (exception is DbException { IsTransient: true } || Is(exception.InnerException));
}
