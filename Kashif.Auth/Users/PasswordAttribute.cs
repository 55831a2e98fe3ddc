using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;
using System.Text;

namespace Kashif.Auth.Users;

/// <summary>
/// The rules for a new password, after NIST SP 800-63B: a minimum length, not a common password, and no composition rules.
/// </summary>
internal sealed class PasswordAttribute : ValidationAttribute
{
    public const int MinLength = 8;

    /// <summary>Limits how much one request can have hashed.</summary>
    public const int MaxLength = 256;

    private static readonly FrozenSet<string> Common = ReadCommon();

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) => value switch
    {
        string password when password.EnumerateRunes().Count() < MinLength => Bad("A password must have at least 8 characters."),
        string { Length: > MaxLength } => Bad("A password can have at most 256 characters."),
        string password when IsCommon(password) => Bad("This password is too common. Choose another one."),
        _ => null,
    };

    private static bool IsCommon(string password) => Common.Contains(password) || password.All(character => character == password[0]);

    private static ValidationResult Bad(string message) => new(message);

    private static FrozenSet<string> ReadCommon()
    {
        using var stream = typeof(PasswordAttribute).Assembly.GetManifestResourceStream("common-passwords.txt")
            ?? throw new InvalidOperationException("The list of common passwords is not embedded.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }
}
