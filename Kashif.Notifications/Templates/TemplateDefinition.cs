using System.Text.Json.Nodes;

namespace Kashif.Notifications.Templates;

internal enum VariableType
{
    Text,
    Number,
    Boolean,

    /// <summary>An instant in ISO 8601. The filter <c>date</c> writes its day.</summary>
    Time,

    /// <summary>An absolute address. A line of its own becomes a button in HTML.</summary>
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
internal sealed record TemplateDefinition(string Code, params IReadOnlyList<TemplateVariable> Variables);
