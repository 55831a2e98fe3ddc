using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;

namespace Kashif.Auth.Accounts;

/// <summary>Creates accounts: for registrations and for the first admin.</summary>
internal sealed class Registration(AuthDbContext database, PasswordHashing hashing, AuditLog audit, TimeProvider time)
{
    /// <summary>Adds the account, its audit entry and its event to the next save.</summary>
    public async Task<UserResponse> AddAsync(
        string email, string password, string fullName, string? phone, string language, string[] roles, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        email = EmailAddress.Clean(email);
        var user = new User
        {
            Id = Guid.CreateVersion7(now),
            Email = email,
            NormalizedEmail = EmailAddress.Normalize(email),
            PasswordHash = await hashing.HashAsync(password, cancellationToken),
            SecurityStamp = User.NewSecurityStamp(time),
            FullName = fullName.Trim().Normalize(),
            PhoneNumber = PhoneNumberAttribute.Clean(phone),
            Roles = UserRoles.Sorted(roles),
            Language = language,
            CreatedAt = now,
        };
        database.Users.Add(user);
        audit.Record(user.Id, AuditActions.Registered, actorId: user.Id);
        database.Publish(new UserRegistered(user.Id, user.FullName, email, language), now);
        return new UserResponse(user.Id, email, EmailVerified: false, PendingEmail: null, user.FullName, user.PhoneNumber, user.Roles, language, MfaEnabled: false, now);
    }
}
