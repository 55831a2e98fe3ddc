using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.ApiKeys;

/// <summary>Revokes API keys.</summary>
internal sealed class ApiKeyRevocation(AuthDbContext database, AuditLog audit, TimeProvider time)
{
    /// <summary>Revokes one key of the user, in the caller's transaction, and adds the audit entry to the next save.</summary>
    /// <returns>False if there is no such key.</returns>
    public Task<bool> RevokeAsync(Guid userId, Guid keyId, CancellationToken cancellationToken) =>
        RevokeAsync(userId, database.ApiKeys.Where(key => key.Id == keyId), cancellationToken);

    /// <summary>Revokes every key of the user, in the caller's transaction, and adds the audit entries to the next save.</summary>
    /// <remarks>The caller has locked the user's row, so that no key is created meanwhile.</remarks>
    public Task RevokeAllAsync(Guid userId, CancellationToken cancellationToken) => RevokeAsync(userId, database.ApiKeys, cancellationToken);

    private async Task<bool> RevokeAsync(Guid userId, IQueryable<ApiKey> keys, CancellationToken cancellationToken)
    {
        var revoked = false;
        foreach (var id in await keys.Where(key => key.UserId == userId && key.RevokedAt == null).Select(key => key.Id).ToListAsync(cancellationToken))
        {
            var now = time.GetUtcNow();
            if (await database.ApiKeys.Where(key => key.Id == id && key.RevokedAt == null)
                .ExecuteUpdateAsync(set => set.SetProperty(key => key.RevokedAt, now), cancellationToken) == 1)
            {
                audit.Record(userId, AuditActions.ApiKeyRevoked, new Dictionary<string, string> { ["api_key_id"] = id.ToString() });
                revoked = true;
            }
        }

        return revoked;
    }
}
