using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.ApiKeys;

/// <summary>Revokes API keys.</summary>
internal sealed class ApiKeyRevocation(AuthDbContext database, AuditLog audit, TimeProvider time)
{
    /// <summary>Revokes one key of the user, in the caller's transaction, and adds the audit entry to the next save.</summary>
    /// <returns>False if there is no such key.</returns>
    public Task<bool> RevokeAsync(Guid userId, Guid keyId, CancellationToken cancellationToken) => RevokeAsync(userId, (Guid?)keyId, cancellationToken);

    /// <summary>Revokes every key of the user, in the caller's transaction, and adds the audit entries to the next save.</summary>
    /// <remarks>The caller has locked the user's row, so that no key is created meanwhile.</remarks>
    public Task RevokeAllAsync(Guid userId, CancellationToken cancellationToken) => RevokeAsync(userId, keyId: null, cancellationToken);

    private async Task<bool> RevokeAsync(Guid userId, Guid? keyId, CancellationToken cancellationToken)
    {
        var revoked = await database.Database.SqlQuery<Guid>($"""
            UPDATE api_keys SET revoked_at = {time.GetUtcNow()}
            WHERE user_id = {userId} AND revoked_at IS NULL AND ({keyId}::uuid IS NULL OR id = {keyId})
            RETURNING id AS "Value"
            """).ToListAsync(cancellationToken);
        foreach (var id in revoked)
        {
            audit.Record(userId, AuditActions.ApiKeyRevoked, new Dictionary<string, string> { ["api_key_id"] = id.ToString() });
        }

        return revoked.Count > 0;
    }
}
