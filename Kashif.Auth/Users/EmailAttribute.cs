using System.ComponentModel.DataAnnotations;
using System.Text;
using Kashif.Validation;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Users;

/// <summary>An address that can get mail, without characters that cannot be seen.</summary>
internal sealed class EmailAttribute : ValidationAttribute
{
    private const string Invalid = "This is not a valid e-mail address.";
    private const string NotAscii = "Mail to this address cannot be delivered: before the @ only Latin letters, digits and signs are possible.";

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is string email && Error(email, validationContext.GetService<IOptions<AuthOptions>>()?.Value.NonAsciiMailboxes is true) is { } error
            ? new ValidationResult(error, [validationContext.MemberName ?? ""])
            : ValidationResult.Success;

    /// <param name="nonAscii">Whether the local part may have characters outside ASCII (RFC 6531).</param>
    /// <returns>Null if the address is valid.</returns>
    public static string? Error(string email, bool nonAscii) =>
        DeceptiveCharacters.FindHidden(email.Trim())
        ?? (!EmailAddress.IsValid(email) ? Invalid
            : !nonAscii && !Ascii.IsValid(EmailAddress.Clean(email)) ? NotAscii
            : null);
}
