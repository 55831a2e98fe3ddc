using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;
using System.Text;

namespace Kashif.Auth.Accounts;

/// <summary>
/// The rules for a new password, after NIST SP 800-63B: long enough, not one that everybody tries first, and nothing about
/// its composition.
/// </summary>
internal sealed class PasswordAttribute : ValidationAttribute
{
    public const int MinLength = 8;

    /// <summary>A bound on what one request may have hashed, far above what anybody remembers.</summary>
    public const int MaxLength = 256;

    private static readonly FrozenSet<string> Common = ReadCommon();

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) => value switch
    {
        string password when password.EnumerateRunes().Count() < MinLength => Bad($"A password has at least {MinLength} characters."),
        string { Length: > MaxLength } => Bad($"A password has at most {MaxLength} characters."),
        string password when IsCommon(password) => Bad("This password is one of the first that others would try."),
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
