using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Kashif.Messaging;

/// <summary>Tells what a constraint refused from other failures of a save.</summary>
public static class ConstraintViolations
{
    /// <returns>Whether a unique index refused the save (SQLSTATE 23505): a business key is taken.</returns>
    public static bool IsUniqueViolation(this DbUpdateException exception) => exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    /// <returns>Whether a foreign key refused the save (SQLSTATE 23503): a row that it refers to is gone, or a row still refers to what it deletes.</returns>
    public static bool IsForeignKeyViolation(this DbUpdateException exception) => exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };
}
