using System.Globalization;
using System.Text.Json.Nodes;
using Kashif.Messaging.Consumers;
using Kashif.Notifications.Dispatch;
using Kashif.Notifications.Templates;

namespace Kashif.Notifications.Alerts;

/// <summary>Adds the notifications of alerts to the writer.</summary>
internal sealed class AlertWriter(NotificationWriter writer, NotificationMetrics metrics) : IBatchStep
{
    private readonly List<string> _fired = [];

    public void Add(IReadOnlyList<NotificationDraft> drafts)
    {
        writer.Add(drafts);
        _fired.AddRange(drafts.Select(draft => draft.TemplateCode));
    }

    Task IBatchStep.CommittedAsync(CancellationToken cancellationToken)
    {
        Committed();
        return Task.CompletedTask;
    }

    /// <summary>Call after the commit.</summary>
    public void Committed()
    {
        foreach (var template in _fired)
        {
            metrics.AlertFired(template);
        }

        _fired.Clear();
    }

    public static NotificationDraft Draft(
        Guid cause, Guid user, Guid alert, string template, JsonObject variables, DateTimeOffset time, params (string Name, ISpanFormattable Value)[] data) =>
        new(
            cause, user, AlertTemplates.Type, template, variables,
            new Dictionary<string, string>(data.Select(item => KeyValuePair.Create(item.Name, Text(item.Value)))) { ["alert_id"] = Text(alert) }, time);

    private static string Text(ISpanFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
