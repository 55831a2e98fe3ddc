using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Messaging;

/// <summary>Tells a business key that is taken from other failures of a save.</summary>
public static class UniqueViolation
{
    /// <returns>Whether a unique index refused the save (SQLSTATE 23505).</returns>
    public static bool IsUniqueViolation(this DbUpdateException exception) => exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };
}
