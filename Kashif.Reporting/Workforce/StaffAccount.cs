using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Reporting.Data;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Workforce;

/// <summary>Whether an account has a staff role and whether it is disabled, from Auth's last event. An account without a row has no such role, and is enabled.</summary>
internal sealed class StaffAccount
{
    public Guid UserId { get; init; }
    public bool IsStaff { get; init; }

    /// <summary>Whether an admin has disabled the account. It keeps its role and its entry in the register: it may be enabled again.</summary>
    public bool Disabled { get; init; }

    /// <summary>When it changed: an event from before it does not count.</summary>
    public DateTimeOffset ChangedAt { get; init; }
}

/// <summary>Keeps <see cref="StaffAccount"/> up to date, and makes an employee inactive when the account loses its staff roles.</summary>
internal sealed class StaffAccounts(ReportingDbContext database, TimeProvider time) : IEventHandler<UserRolesChanged>
{
    private static readonly string[] StaffRoles = [Roles.Staff, Roles.Moderator, Roles.Admin];

    public async Task HandleAsync(IReadOnlyList<ReceivedEvent<UserRolesChanged>> events, CancellationToken cancellationToken)
    {
        var left = new List<(Guid User, Guid By)>();

        foreach (var received in events.LastOfEachUser(data => data.UserId))
        {
            var (user, isStaff) = (received.Data.UserId, received.Data.Roles.Intersect(StaffRoles).Any());
            var isNews = await database.Database.ExecuteSqlAsync(
                $"""
                INSERT INTO staff_accounts AS known (user_id, is_staff, disabled, changed_at) VALUES ({user}, {isStaff}, {received.Data.Disabled}, {received.Time})
                ON CONFLICT (user_id) DO UPDATE SET is_staff = excluded.is_staff, disabled = excluded.disabled, changed_at = excluded.changed_at
                    WHERE known.changed_at <= excluded.changed_at
                """,
                cancellationToken) == 1;
            if (isNews && !isStaff)
            {
                left.Add((user, received.Data.ChangedBy ?? ErasedUser.Id));
            }
        }

        // All employees and crews before the reports of any, like an assignment and a visit.
        await database.LockEmployeesAsync([.. left.Select(account => account.User)], cancellationToken);
        foreach (var (user, by) in left)
        {
            await EmployeeWork.LeaveAsync(database, user, by, time.GetUtcNow(), cancellationToken);
        }
    }

    /// <summary>Whether the account has a staff role. The row is locked, so it keeps the role until the end of the transaction.</summary>
    public static async Task<bool> IsStaffAsync(ReportingDbContext database, Guid user, CancellationToken cancellationToken) =>
        await database.StaffAccounts.FromSql($"SELECT * FROM staff_accounts WHERE user_id = {user} FOR SHARE").AsNoTracking().SingleOrDefaultAsync(cancellationToken)
            is { IsStaff: true };

    /// <summary>Whether no account of these is disabled.</summary>
    public static async Task<bool> AreEnabledAsync(ReportingDbContext database, Guid[] users, CancellationToken cancellationToken) =>
        !await database.StaffAccounts.AnyAsync(account => users.Contains(account.UserId) && account.Disabled, cancellationToken);
}

internal sealed class StaffAccountConfiguration : IEntityTypeConfiguration<StaffAccount>
{
    public void Configure(EntityTypeBuilder<StaffAccount> account)
    {
        account.ToTable("staff_accounts");
        account.HasKey(row => row.UserId);
        account.Property(row => row.UserId).ValueGeneratedNever();
        account.Property(row => row.Disabled).HasDefaultValue(false);
    }
}
