using System.Text.Json.Nodes;
using Kashif.Notifications.Inbox;

namespace Kashif.Notifications.Dispatch;

/// <summary>A notification to write.</summary>
/// <param name="CauseId">The event that causes it, or a <see cref="Dispatch.CauseId"/>: there is one notification for each.</param>
/// <param name="Type">A name for clients and preferences, such as <c>report.status_updated</c>.</param>
/// <param name="TemplateCode">The template of its text.</param>
/// <param name="Variables">The template's variables. They are stored, so no secrets.</param>
/// <param name="Data">Ids and amounts for the client; no secrets.</param>
/// <param name="Time">When the cause occurred: the inbox is sorted by it.</param>
internal sealed record NotificationDraft(
    Guid CauseId, Guid UserId, string Type, string TemplateCode, JsonObject Variables, IReadOnlyDictionary<string, string> Data, DateTimeOffset Time)
{
    public Priority Priority { get; init; } = Priority.Normal;

    /// <summary>Whether to also send it by e-mail to users who enabled that: for receipts.</summary>
    public bool ByEmail { get; init; }

    /// <summary>Not delivered after this instant; it stays in the inbox.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
