using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>
/// The codes of the texts that ship with the service, and their variables. Each has the files <c>Defaults/&lt;code&gt;.en.liquid</c>
/// and <c>.ar.liquid</c>.
/// </summary>
internal static class TemplateCodes
{
    public static FrozenDictionary<string, TemplateDefinition> All { get; } = new TemplateDefinition[]
    {
        new(UserRegistered.Type, Text("full_name", "Amal Haddad")),
        new(ReportCreated.Type, Text("title", "Broken street lamp")),
        new(ReportStatusUpdated.Type, Text("title", "Broken street lamp"), Text("status", "in_progress"), Text("comment", "A crew is on its way.").Optional()),
        new(PointsAwarded.Type, Number("points", 10), Number("balance", 60)),
        new(CouponRedeemed.Type, Text("title", "Free coffee"), Number("points_spent", 50)),
        new("digest", Number("count", 2), new("titles", VariableType.List, new JsonArray("Points earned", "Report received"))),
    }.ToFrozenDictionary(definition => definition.Code);

    private static TemplateVariable Text(string name, string sample) => new(name, VariableType.Text, JsonValue.Create(sample));

    private static TemplateVariable Number(string name, long sample) => new(name, VariableType.Number, JsonValue.Create(sample));
}
