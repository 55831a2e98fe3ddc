using Kashif.Auth.Data;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Auth.Users;

/// <summary>
/// Tells users by e-mail that the security of their account has changed. An unverified address may be a stranger's and gets no mail.
/// </summary>
internal sealed class SecurityNotices(AuthDbContext database, TimeProvider time)
{
    /// <summary>Adds a notice to the address stored now to the next save.</summary>
    /// <param name="change">One of <see cref="SecurityChanges"/>.</param>
    public async Task AddAsync(Guid userId, string change, CancellationToken cancellationToken)
    {
        if (await database.Users.Where(user => user.Id == userId && user.EmailConfirmed).Select(user => new { user.Email, user.Language })
            .SingleOrDefaultAsync(cancellationToken) is { } to)
        {
            database.Publish(new UserSecurityChanged(userId, to.Email, to.Language, change), time.GetUtcNow());
        }
    }
}
