using Kashif.Messaging.Events;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Preferences;

/// <summary>The types that a user can choose channels for.</summary>
internal static class NotificationTypes
{
    /// <summary>Of the pushes and e-mails that merge others.</summary>
    public const string Digest = TemplateCodes.Digest;

    /// <summary>A choice for all types without one of their own, later ones too.</summary>
    public const string Others = "*";

    /// <summary>Receipts, which are mailed unless the user chooses otherwise.</summary>
    private static readonly HashSet<string> Receipts = [CouponRedeemed.Type];

    /// <summary>The types of all codes with their default channels, in order. Messages of an administrator's own code go by the channel of each.</summary>
    public static OrderedDictionary<string, TypePreference> Of(TemplateSet texts) => new(texts.Definitions.Values
        .Where(definition => !definition.IsAccountMail && definition.Code != Digest)
        .GroupBy(definition => TypeOf(definition.Code))
        .OrderBy(type => type.Key, StringComparer.Ordinal)
        .Select(type => KeyValuePair.Create(
            type.Key, new TypePreference(Push: true, Email: Receipts.Contains(type.Key) || type.All(definition => definition.IsOwn)))));

    /// <summary>All alerts are of one type.</summary>
    public static string TypeOf(string code) => code.StartsWith($"{AlertTemplates.Type}.", StringComparison.Ordinal) ? AlertTemplates.Type : code;
}
