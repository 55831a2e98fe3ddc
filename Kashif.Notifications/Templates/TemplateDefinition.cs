using System.Text.Json;
using System.Text.Json.Nodes;

namespace Kashif.Notifications.Templates;

/// <summary>The type of a variable.</summary>
public enum VariableType
{
    Text,
    Number,
    Boolean,

    /// <summary>An instant in ISO 8601. The filter <c>date</c> writes its day.</summary>
    Time,

    /// <summary>An absolute http(s) address. A paragraph of its own becomes a button in HTML.</summary>
    Link,

    /// <summary>Texts, numbers or objects of them, for a loop.</summary>
    List,
}

/// <summary>A value that a template may use.</summary>
/// <param name="Sample">What previews show.</param>
internal sealed record TemplateVariable(string Name, VariableType Type, JsonNode Sample, bool Required = true)
{
    public TemplateVariable Optional() => this with { Required = false };
}

/// <summary>A notification's code and the variables of its texts.</summary>
internal sealed record TemplateDefinition(string Code, params IReadOnlyList<TemplateVariable> Variables)
{
    /// <summary>The channels that it has texts for.</summary>
    public IReadOnlyList<string> Channels { get; init; } = ChannelNames.All;

    /// <summary>Whether an administrator has added it; it has no default texts.</summary>
    public bool IsOwn { get; init; }

    /// <summary>A mail about an account. Only the service sends it: callers must not choose its link.</summary>
    public bool IsAccountMail { get; init; }

    public IEnumerable<string> Names => Variables.Select(variable => variable.Name);

    /// <summary>An object with the samples.</summary>
    public JsonObject Samples() => new(Variables.Select(variable => KeyValuePair.Create(variable.Name, (JsonNode?)variable.Sample.DeepClone())));

    /// <summary>The names of required variables that an object does not have.</summary>
    public IEnumerable<string> Missing(JsonElement variables) =>
        Variables.Where(variable => variable.Required && Value(variable, variables) is null).Select(variable => variable.Name);

    /// <summary>The variables of which an object has a value of another type.</summary>
    public IEnumerable<TemplateVariable> Mistyped(JsonElement variables) =>
        Variables.Where(variable => Value(variable, variables) is { } value && !IsOf(variable.Type, value));

    private static JsonElement? Value(TemplateVariable variable, JsonElement variables) =>
        variables.ValueKind == JsonValueKind.Object && variables.TryGetProperty(variable.Name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static bool IsOf(VariableType type, JsonElement value) => type switch
    {
        VariableType.Text => value.ValueKind == JsonValueKind.String,
        VariableType.Number => value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out _),
        VariableType.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        VariableType.Time => value.ValueKind == JsonValueKind.String && value.TryGetDateTimeOffset(out _),
        VariableType.Link => value.ValueKind == JsonValueKind.String && Liquid.IsLink(value.GetString() ?? ""),
        VariableType.List or _ => value.ValueKind == JsonValueKind.Array,
    };
}
