using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Security;

namespace Kashif.Gamification.Quests;

/// <summary>
/// What a caller of a route with <see cref="Policies.Partner"/> may manage: an admin all budgets and quests, a partner those of the companies that
/// list the user. Answer 404 for others.
/// </summary>
internal static class BudgetAccess
{
    extension(GamificationDbContext database)
    {
        public IQueryable<Budget> ManagedBudgets(ClaimsPrincipal user)
        {
            var companies = database.CompaniesOf(user.UserId);
            return user.IsInRole(Roles.Admin) ? database.Budgets : database.Budgets.Where(budget => budget.CompanyId != null && companies.Contains(budget.CompanyId.Value));
        }

        /// <summary>The ids of the companies that list the user as a partner.</summary>
        public IQueryable<int> CompaniesOf(Guid userId) =>
            database.CompanyPartners.Where(partner => partner.UserId == userId && partner.IsPartner).Select(partner => partner.CompanyId);
    }
}
