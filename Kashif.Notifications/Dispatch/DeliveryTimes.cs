using Kashif.Notifications.Inbox;
using Kashif.Notifications.Preferences;

namespace Kashif.Notifications.Dispatch;

/// <summary>When a notification's push and e-mail are due; null for a channel that the user does not want for the type.</summary>
internal readonly record struct DeliveryTimes(DateTimeOffset? Push, DateTimeOffset? Email)
{
    /// <param name="preferences">Null for the defaults.</param>
    public static DeliveryTimes Of(NotificationDraft draft, UserPreferences? preferences, DateTimeOffset now)
    {
        if (preferences is null)
        {
            return new(draft.ByPush ? now : null, draft.ByEmail ? now : null);
        }

        var type = preferences.ChoiceOf(draft.Type) ?? new TypePreference(draft.ByPush, draft.ByEmail);
        var (push, email) = draft.Priority == Priority.High ? (now, now) : preferences.DueAt(now);

        // A message through the API names its channel; an event goes to all that the user wants.
        var isMessage = draft.RequestId is not null;
        return new(
            type.Push && (draft.ByPush || !isMessage) ? push : null,
            type.Email && (draft.ByEmail || !isMessage) ? email : null);
    }
}
