using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Users;

namespace Kashif.Auth.Admin;

/// <summary>One or more roles of <see cref="UserRoles.All"/>.</summary>
internal sealed class RolesAttribute() : ValidationAttribute("Must be one or more of citizen, partner, staff, counter, moderator, admin.")
{
    public override bool IsValid(object? value) => value is not string[] roles || (roles.Length > 0 && !roles.Except(UserRoles.All).Any());
}
