using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Webhooks;

/// <summary>Section <c>Webhooks</c>.</summary>
internal sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    /// <summary>Encrypts the webhooks' secrets in the database. Empty: the password of the database.</summary>
    public string? SealingSecret { get; set; }

    /// <summary>For development: allows http, and addresses in private networks.</summary>
    public bool AllowPrivateNetworks { get; set; }

    /// <summary>How long after the first failure a delivery is tried again. Each further delay is twice as long, up to an hour.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00", ErrorMessage = "Webhooks:FirstRetry must be between 10 ms and one hour, such as 00:00:10.")]
    public TimeSpan FirstRetry { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a delivery is tried.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "7.00:00:00", ErrorMessage = "Webhooks:GiveUpAfter must be between one minute and 7 days, such as 1.00:00:00.")]
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How long deliveries are listed.</summary>
    [Range(typeof(TimeSpan), "7.00:00:00", "365.00:00:00", ErrorMessage = "Webhooks:KeepDeliveriesFor must be between 7 and 365 days, such as 30.00:00:00.")]
    public TimeSpan KeepDeliveriesFor { get; set; } = TimeSpan.FromDays(30);
}
