using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.SignIn;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.AspNetCore.Identity;

namespace Kashif.Auth.Accounts;

/// <summary>Makes accounts: for people who register, and for the first admin.</summary>
internal sealed class Registration(AuthDbContext database, PasswordHashing hashing, AuditLog audit, ILookupNormalizer normalizer, TimeProvider time)
{
    /// <summary>Adds the account, its roles and its event to what the next save writes.</summary>
    public async Task<UserResponse> AddAsync(
        string email, string password, string fullName, string? phone, string language, string[] roles, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        email = EmailAttribute.Clean(email);
        var user = new User
        {
            Id = Guid.CreateVersion7(now),
            UserName = email,
            NormalizedUserName = normalizer.NormalizeName(email),
            Email = email,
            NormalizedEmail = normalizer.NormalizeEmail(email),
            PasswordHash = await hashing.HashAsync(password, cancellationToken),
            SecurityStamp = Guid.CreateVersion7(now).ToString("N"),
            FullName = fullName.Trim().Normalize(),
            PhoneNumber = string.IsNullOrWhiteSpace(phone) ? null : phone.Trim(),
            Language = language,
            LockoutEnabled = true,
            CreatedAt = now,
        };
        database.Users.Add(user);
        database.UserRoles.AddRange(roles.Select(role => new IdentityUserRole<Guid> { UserId = user.Id, RoleId = RolesConfiguration.Ids[role] }));
        audit.Record(user.Id, AuditActions.Registered, actorId: user.Id);
        database.Publish(new UserRegistered(user.Id, user.FullName, email, language), now);
        return new UserResponse(user.Id, email, EmailVerified: false, user.FullName, user.PhoneNumber, roles, language, MfaEnabled: false, now);
    }
}
