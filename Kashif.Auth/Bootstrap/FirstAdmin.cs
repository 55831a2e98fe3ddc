using Kashif.Auth.Accounts;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Users;
using Kashif.Localization;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Bootstrap;

/// <summary>
/// At start, while there is no enabled admin, creates the configured first admin or gives the role to the existing account. An
/// unverified account gets nothing: anyone can register an address that is not theirs.
/// </summary>
internal sealed partial class FirstAdmin(IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<FirstAdmin> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Admin is not { IsSet: true, Email: { } email, Password: { } password })
        {
            return;
        }

        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        await using var transaction = await database.BeginExclusiveAsync(AdvisoryLock.Admins, cancellationToken);
        if (await database.Users.AnyAsync(user => user.Roles.Contains(Roles.Admin) && user.DisabledAt == null, cancellationToken))
        {
            return;
        }

        var normalized = EmailAddress.Normalize(email);
        await database.LockEmailAsync(normalized, cancellationToken);
        var audit = scope.ServiceProvider.GetRequiredService<AuditLog>();
        switch (await database.Users.SingleOrDefaultAsync(user => user.NormalizedEmail == normalized, cancellationToken))
        {
            case null:
                var registration = scope.ServiceProvider.GetRequiredService<Registration>();
                var created = await registration.AddAsync(email, password, "Admin", phone: null, Languages.English, [Roles.Citizen, Roles.Admin], cancellationToken);
                scope.ServiceProvider.GetRequiredService<EmailTokens>().AddVerification(created.Id, created.Email, created.Language);
                Report(created.Id, before: [], created.Roles);
                break;
            case { EmailConfirmed: true, DisabledAt: null } existing:
                var before = existing.Roles;
                existing.Roles = UserRoles.Sorted([.. before, Roles.Admin]);
                Report(existing.Id, before, existing.Roles);
                break;
            case var refused:
                Refused(logger, refused.Id);
                return;
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);

        void Report(Guid id, string[] before, string[] after)
        {
            audit.Record(id, AuditActions.RolesChanged, AuditLog.RolesChanged(before, after));
            database.Publish(new UserRolesChanged(id, after, ChangedBy: null), time.GetUtcNow());
            MadeAdmin(logger, id);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(EventId = 2002, Level = LogLevel.Information, Message = "User {UserId} is the first admin")]
    private static partial void MadeAdmin(ILogger logger, Guid userId);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "There is no admin: account {UserId} has the address of Auth:Admin:Email, but it is disabled or the "
        + "address is not verified. If the address is yours, reset the password by e-mail, which ends what others have set up, then restart Auth; otherwise set another Auth:Admin:Email")]
    private static partial void Refused(ILogger logger, Guid userId);
}
