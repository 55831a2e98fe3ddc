using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Users;

/// <summary>An address that can get mail, without characters that cannot be seen.</summary>
internal sealed class EmailAttribute : ValidationAttribute
{
    /// <summary>Whether an empty text, which removes the address, is allowed.</summary>
    public bool AllowEmpty { get; set; }

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string email && !(AllowEmpty && email.Trim().Length == 0) && EmailAddress.ErrorOf(email, validationContext.GetService<IOptions<AuthOptions>>()?.Value.NonAsciiMailboxes is true) is { } error
            ? new ValidationResult(error, [validationContext.MemberName ?? ""])
            : ValidationResult.Success;
}

/// <summary>The address of an account, which may be older than the rules of <see cref="EmailAttribute"/>.</summary>
internal sealed class AccountEmailAttribute() : ValidationAttribute(EmailAddress.Invalid)
{
    public override bool IsValid(object? value) => value is not string email || EmailAddress.IsShaped(email);
}
