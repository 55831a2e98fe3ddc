using System.Text.Json.Nodes;
using Kashif.Messaging.Erasure;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>
/// The reports and crews of employees. Each transaction locks employees before reports and crews, so that nothing is given to an employee who is leaving.
/// </summary>
internal static class EmployeeWork
{
    /// <summary>Locks the employee until the end of the transaction: reports and crews can neither be given to nor taken from them meanwhile.</summary>
    public static async Task<Employee?> LockEmployeeAsync(this ReportingDbContext database, Guid user, CancellationToken cancellationToken) =>
        await database.Employees.FromSql($"SELECT * FROM employees WHERE user_id = {user} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);

    /// <summary>Locks the employees and their crews until the end of the transaction.</summary>
    public static async Task LockEmployeesAsync(this ReportingDbContext database, Guid[] users, CancellationToken cancellationToken)
    {
        await database.Database.ExecuteSqlAsync($"SELECT FROM employees WHERE user_id = ANY ({users}) ORDER BY user_id FOR UPDATE", cancellationToken);
        await database.Database.ExecuteSqlAsync(
            $"SELECT FROM crews WHERE id = ANY (ARRAY(SELECT crew_id FROM crew_members WHERE user_id = ANY ({users}))) ORDER BY id FOR NO KEY UPDATE", cancellationToken);
    }

    /// <summary>The employees of these ids, who stay what they are until the end of the transaction.</summary>
    public static Task<List<Employee>> ShareEmployeesAsync(this ReportingDbContext database, Guid[] users, CancellationToken cancellationToken) =>
        database.Employees.FromSql($"SELECT * FROM employees WHERE user_id = ANY ({users}) ORDER BY user_id FOR SHARE").AsNoTracking().ToListAsync(cancellationToken);

    /// <summary>The account has lost its staff roles: the employee becomes inactive, without a name.</summary>
    public static async Task LeaveAsync(ReportingDbContext database, Guid user, Guid by, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await database.LockEmployeeAsync(user, cancellationToken) is not { } employee || employee is { Active: false, Name: "" })
        {
            return;
        }

        (employee.Active, employee.Name) = (false, "");
        employee.Version++;
        database.AuditValues(by, "left", Employee.Kind, user, employee.AgencyId, new JsonObject { ["active"] = false }, now);
        await ReleaseAsync(database, employee, by, now, cancellationToken);
    }

    /// <summary>The account is deleted: removes it from the register.</summary>
    public static async Task EraseAsync(ReportingDbContext database, Guid user, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await LeaveAsync(database, user, ErasedUser.Id, now, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        database.ChangeTracker.Clear(); // the versions of the reports change next
        await database.Employees.Where(employee => employee.UserId == user).ExecuteDeleteAsync(cancellationToken);
        await database.StaffAccounts.Where(account => account.UserId == user).ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>Takes the reports and the crews that are not of the employee's agency, or all if the employee is inactive.</summary>
    public static async Task ReleaseAsync(ReportingDbContext database, Employee employee, Guid by, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var (user, agency, isActive) = (employee.UserId, employee.AgencyId, employee.Active);
        var crews = await database.CrewMembers.Where(member => member.UserId == user)
            .Join(database.Crews, member => member.CrewId, crew => crew.Id, (_, crew) => crew)
            .Where(crew => !isActive || (crew.AgencyId != null && crew.AgencyId != agency))
            .Select(crew => crew.Id).ToArrayAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT FROM crews WHERE id = ANY ({crews}) ORDER BY id FOR NO KEY UPDATE", cancellationToken);
        await database.Crews.Where(crew => crews.Contains(crew.Id)).ExecuteUpdateAsync(set => set.SetProperty(crew => crew.Version, crew => crew.Version + 1), cancellationToken);
        await database.CrewMembers.Where(member => member.UserId == user && crews.Contains(member.CrewId)).ExecuteDeleteAsync(cancellationToken);
        var members = (await database.CrewMembers.AsNoTracking().Where(member => crews.Contains(member.CrewId)).ToListAsync(cancellationToken)).ToLookup(member => member.CrewId, member => member.UserId);
        foreach (var crew in await database.Crews.AsNoTracking().Where(crew => crews.Contains(crew.Id)).ToListAsync(cancellationToken))
        {
            database.AuditValues(by, "changed", Crew.Kind, crew.Id, crew.AgencyId, new JsonObject { ["members"] = Registers.Array(members[crew.Id]) }, now);
        }

        // Lock the closed ones too: another request may be reopening one.
        await database.Database.ExecuteSqlAsync($"SELECT FROM reports WHERE assignee_id = {user} ORDER BY id FOR NO KEY UPDATE", cancellationToken);
        var reports = database.Reports.Where(report => report.AssigneeId == user && (!isActive || (agency != null && report.AgencyId != agency)));
        foreach (var report in await reports.Where(report => ReportStatuses.Open.Contains(report.Status)).OrderBy(report => report.Id).ToListAsync(cancellationToken))
        {
            if (report.Assign(null, by, now) is { } change)
            {
                database.PublishAssignment(report, change);
            }
        }

        await ForgetClosedAsync(reports, cancellationToken);
    }

    /// <summary>Clears the assignee of closed reports too, because they may be reopened. Their history does not change.</summary>
    public static Task ForgetClosedAsync(IQueryable<Report> reports, CancellationToken cancellationToken) =>
        reports.Where(report => !ReportStatuses.Open.Contains(report.Status)).ExecuteUpdateAsync(set => set.SetProperty(report => report.AssigneeId, (Guid?)null), cancellationToken);

    /// <summary>Adds an assignment to the report's history and the audit trail, and publishes it.</summary>
    public static void PublishAssignment(this ReportingDbContext database, Report report, StatusChange change)
    {
        database.StatusChanges.Add(change);
        database.PublishAssignee(report, change, report.AgencyId);
    }
}
