using Kashif.Localization;
using Kashif.Validation;

namespace Kashif.Notifications.Alerts;

/// <summary>The fields of an alert that a request sets.</summary>
internal interface IAlertFields
{
    double? Threshold { get; }
    AlertDirection? Direction { get; }
    string? Category { get; }
    double? Latitude { get; }
    double? Longitude { get; }
    double? RadiusKm { get; }
    int? CouponId { get; }
}

/// <summary>Which fields belong to which kind of alert.</summary>
internal static class AlertFields
{
    private static readonly Dictionary<AlertKind, (string[] Required, string[] Optional, double MaxThreshold)> Table = new()
    {
        [AlertKind.Score] = (["threshold"], ["direction"], 100),
        [AlertKind.Balance] = (["threshold"], ["direction"], 1_000_000_000),
        [AlertKind.ReportNear] = (["latitude", "longitude", "radius_km"], ["category"], 0),
        [AlertKind.ReportOverdue] = ([], [], 0),
        [AlertKind.Coupon] = (["coupon_id"], [], 0),
    };

    /// <param name="isNew">Whether the required fields must be set.</param>
    public static void Check(FieldErrors errors, AlertKind kind, IAlertFields fields, bool isNew)
    {
        var (required, optional, maxThreshold) = Table[kind];
        foreach (var (name, isSet) in Names(fields))
        {
            if (isSet && !required.Contains(name) && !optional.Contains(name))
            {
                errors.Add(name, Localized.Format($"Does not belong to an alert of the kind {kind.WireName()}."));
            }
            else if (!isSet && isNew && required.Contains(name))
            {
                errors.Add(name, Localized.Format($"Required for an alert of the kind {kind.WireName()}."));
            }
        }

        if (maxThreshold > 0 && fields.Threshold is { } threshold && (threshold < 0 || threshold > maxThreshold))
        {
            errors.Add("threshold", Localized.Format($"Must be between {0} and {maxThreshold}."));
        }
    }

    private static (string Name, bool IsSet)[] Names(IAlertFields fields) =>
    [
        ("threshold", fields.Threshold is not null), ("direction", fields.Direction is not null), ("category", fields.Category is not null),
        ("latitude", fields.Latitude is not null), ("longitude", fields.Longitude is not null), ("radius_km", fields.RadiusKm is not null),
        ("coupon_id", fields.CouponId is not null),
    ];
}
