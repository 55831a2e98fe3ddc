using System.Text.Json;

namespace Kashif.Notifications.Alerts;

/// <summary>The names of kinds in JSON, templates and the database.</summary>
internal static class AlertNames
{
    private static readonly Dictionary<AlertKind, string> Names =
        Enum.GetValues<AlertKind>().ToDictionary(kind => kind, kind => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()));

    private static readonly Dictionary<string, AlertKind> Kinds = Names.ToDictionary(name => name.Value, name => name.Key);

    public static string WireName(this AlertKind kind) => Names[kind];

    public static AlertKind Kind(string wireName) => Kinds[wireName];
}
