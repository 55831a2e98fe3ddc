using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>The variables that an administrator declares for a code.</summary>
internal static partial class TemplateVariables
{
    private const int Max = 30;

    private static readonly string[] Reserved = ["and", "or", "contains", "true", "false", "nil", "null", "empty", "blank", "forloop", "parentloop"];

    public static TemplateDefinition ToDefinition(OwnTemplate own) =>
        ToDefinition(own.Code, JsonSerializer.Deserialize(own.Variables, NotificationsJson.Default.TemplateVariableBodyArray) ?? []);

    public static TemplateDefinition ToDefinition(string code, IEnumerable<TemplateVariableBody> variables) =>
        new(code, [.. variables.Select(variable => new TemplateVariable(variable.Name, variable.Type, Sample(variable), variable.Required))]) { IsOwn = true };

    public static string ToJson(IEnumerable<TemplateVariableBody> variables) =>
        JsonSerializer.Serialize([.. variables], NotificationsJson.Default.TemplateVariableBodyArray);

    /// <summary>Null if a code can have these variables.</summary>
    public static string? Error(TemplateVariableBody[] variables)
    {
        if (variables.Length > Max)
        {
            return Localized.Format($"At most {Max} items.");
        }

        if (variables.Any(variable => variable is null))
        {
            return "Must be an object.";
        }

        if (variables.Select(variable => variable.Name).Distinct().Count() < variables.Length)
        {
            return "Each name must be unique.";
        }

        foreach (var variable in variables)
        {
            if (!Name.IsMatch(variable.Name) || Reserved.Contains(variable.Name))
            {
                return Localized.Format($"The variable '{variable.Name}' needs a name of a lower-case letter, then lower-case letters, digits and underscores, at most 40.");
            }
        }

        var definition = ToDefinition("", variables);
        return definition.Mistyped(JsonSerializer.SerializeToElement(definition.Samples(), NotificationsJson.Default.JsonObject)).FirstOrDefault() is { } wrong
            ? Localized.Format($"The sample of '{wrong.Name}' is not of its type.")
            : null;
    }

    private static JsonNode Sample(TemplateVariableBody variable) => variable.Sample is { Length: > 0 } sample ? Parse(sample, variable.Type) : variable.Type switch
    {
        VariableType.Text => JsonValue.Create(variable.Name),
        VariableType.Number => JsonValue.Create(1),
        VariableType.Boolean => JsonValue.Create(true),
        VariableType.Time => JsonValue.Create("2026-11-20T08:30:00Z"),
        VariableType.Link => JsonValue.Create("https://example.org/"),
        VariableType.List or _ => new JsonArray(JsonValue.Create("1"), JsonValue.Create("2")),
    };

    private static JsonNode Parse(string sample, VariableType type)
    {
        try
        {
            return type is VariableType.Number or VariableType.Boolean or VariableType.List && JsonNode.Parse(sample) is { } json ? json : JsonValue.Create(sample);
        }
        catch (JsonException)
        {
            return JsonValue.Create(sample); // which is not of its type
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,39}$")]
    private static partial Regex Name { get; }
}
