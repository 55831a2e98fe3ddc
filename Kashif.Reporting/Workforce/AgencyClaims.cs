using System.Security.Claims;
using Kashif.Reporting.Data;
using Kashif.Reporting.Managers;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Workforce;

/// <summary>
/// Tells <see cref="StaffScope"/> whose reports a member of staff works on, and <see cref="ManagerScope"/> what they manage. Read at each request, so that a
/// change of the register takes effect at once.
/// </summary>
internal sealed class AgencyClaims(ReportingDbContext database, IHttpContextAccessor http) : IClaimsTransformation
{
    public async Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal)
    {
        if (!principal.IsStaff || principal.IsModerator || principal.UserIdOrNull is not { } user || principal.HasClaim(claim => claim.Type == StaffScope.AgencyClaim))
        {
            return principal;
        }

        var aborted = http.HttpContext?.RequestAborted ?? default;
        var employee = await database.Employees.AsNoTracking().Where(row => row.UserId == user).Select(row => new { row.AgencyId, row.Active, row.Job })
            .FirstOrDefaultAsync(aborted);

        // The token of a deleted account is valid for some minutes, and the erasure has deleted the row.
        var hasLeft = employee is { Active: false } || (employee is null && await IsErasedAsync(user, aborted));
        if (!hasLeft && employee?.AgencyId is null)
        {
            return principal;
        }

        // A new principal: the one of the token is kept for the next request.
        var agency = (hasLeft ? null : employee?.AgencyId).GetValueOrDefault().ToString();
        return new ClaimsPrincipal(
        [
            .. principal.Identities,
            new ClaimsIdentity(
            [
                new Claim(StaffScope.AgencyClaim, agency),
                .. employee is { Active: true, Job: Job.Manager } ? [new Claim(ManagerScope.Claim, agency)] : Array.Empty<Claim>(),
            ]),
        ]);
    }

    private Task<bool> IsErasedAsync(Guid user, CancellationToken cancellationToken) =>
        database.Database.SqlQuery<Guid>($"""SELECT user_id AS "Value" FROM erased_users WHERE user_id = {user}""").AnyAsync(cancellationToken);
}
