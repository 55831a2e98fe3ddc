using System.ComponentModel.DataAnnotations;

namespace Kashif.Gamification.Ledger;

/// <summary>Section <c>Debits</c>.</summary>
internal sealed class DebitOptions
{
    public const string Section = "Debits";

    /// <summary>How long the result of a debit is kept for a repeated request.</summary>
    [Range(typeof(TimeSpan), "7.00:00:00", "3650.00:00:00", ErrorMessage = "Debits:Retention must be between seven days and ten years, such as 90.00:00:00.")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(90);
}
