using Kashif.Auth.Accounts;
using Kashif.Auth.Data;
using Kashif.Localization;
using Kashif.Auth.Users;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Bootstrap;

/// <summary>At start, creates the configured first admin or gives the role to the existing account.</summary>
internal sealed partial class FirstAdmin(IServiceScopeFactory scopes, IOptions<AuthOptions> options, ILogger<FirstAdmin> logger) : IHostedService
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

        var normalized = EmailAttribute.Normalize(email);
        if (await database.Users.SingleOrDefaultAsync(user => user.NormalizedEmail == normalized, cancellationToken) is { } existing)
        {
            if (!existing.Roles.Contains(Roles.Admin))
            {
                existing.Roles = UserRoles.Sorted([.. existing.Roles, Roles.Admin]);
                MadeAdmin(logger, existing.Id);
            }
        }
        else
        {
            var registration = scope.ServiceProvider.GetRequiredService<Registration>();
            var user = await registration.AddAsync(email, password, "Admin", phone: null, Languages.English, [Roles.Citizen, Roles.Admin], cancellationToken);
            MadeAdmin(logger, user.Id);
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(EventId = 2002, Level = LogLevel.Information, Message = "User {UserId} is the first admin")]
    private static partial void MadeAdmin(ILogger logger, Guid userId);
}
