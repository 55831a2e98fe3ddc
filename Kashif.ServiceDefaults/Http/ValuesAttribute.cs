using System.Reflection;
using System.Text.Json;

namespace Kashif.Http;

/// <summary>Documents the values of a string, or of the strings in an array, that is neither an enum nor validated by an attribute.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class ValuesAttribute : Attribute
{
    public ValuesAttribute(params string[] values) => Values = values;

    /// <param name="source">An enum, a class whose property <c>All</c> lists the values, or a class whose constants are the values.</param>
    public ValuesAttribute(Type source) => Values = source switch
    {
        { IsEnum: true } => [.. Enum.GetNames(source).Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)],
        _ when source.GetProperty("All")?.GetValue(null) is IReadOnlyList<string> all => all,
        _ => [.. source.GetFields(BindingFlags.Static | BindingFlags.Public).Where(field => field.IsLiteral).Select(field => field.GetRawConstantValue()).OfType<string>()],
    };

    public IReadOnlyList<string> Values { get; }
}
