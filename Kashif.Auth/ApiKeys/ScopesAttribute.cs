using System.ComponentModel.DataAnnotations;
using Kashif.Localization;
using Kashif.Security;

namespace Kashif.Auth.ApiKeys;

/// <summary>One or more of <see cref="Scopes.All"/>.</summary>
internal sealed class ScopesAttribute : ValidationAttribute
{
    public override bool IsValid(object? value) => value is not string[] scopes || (scopes.Length > 0 && !scopes.Except(Scopes.All).Any());

    public override string FormatErrorMessage(string name) => Localized.Format($"Must be one or more of {string.Join(", ", Scopes.All)}.");
}
