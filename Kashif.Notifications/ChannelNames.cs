namespace Kashif.Notifications;

/// <summary>The channels as stored, and of templates.</summary>
internal static class ChannelNames
{
    public const string Inbox = "inbox";
    public const string Push = "push";
    public const string Email = "email";

    /// <summary>Every channel.</summary>
    public static IReadOnlyList<string> All { get; } = [Inbox, Push, Email];
}
