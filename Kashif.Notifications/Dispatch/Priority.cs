namespace Kashif.Notifications.Dispatch;

/// <summary>How urgent a notification is. A higher one overtakes a lower one on its way to the provider.</summary>
public enum Priority
{
    Low,
    Normal,
    High,
}
