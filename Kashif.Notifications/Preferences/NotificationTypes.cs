using Kashif.Messaging.Events;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Preferences;

/// <summary>The types that a user can choose channels for.</summary>
internal static class NotificationTypes
{
    /// <summary>Of the pushes and e-mails that merge others.</summary>
    public const string Digest = TemplateCodes.Digest;

    /// <summary>Receipts, which are mailed unless the user chooses otherwise.</summary>
    private static readonly HashSet<string> Receipts = [CouponRedeemed.Type];

    public static IReadOnlyList<string> All { get; } =
    [
        .. TemplateCodes.All.Values.Where(definition => !definition.IsAccountMail && definition.Code != Digest).Select(definition => TypeOf(definition.Code))
            .Distinct().Order(StringComparer.Ordinal),
    ];

    /// <summary>All alerts are of one type.</summary>
    public static string TypeOf(string code) => code.StartsWith($"{AlertTemplates.Type}.", StringComparison.Ordinal) ? AlertTemplates.Type : code;

    public static TypePreference Default(string type) => new(Push: true, Email: Receipts.Contains(type));
}
