using System.Text.Json;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.WorkOrders;

/// <summary>The wire names of the states of work, in JSON, events and the database.</summary>
internal static class States
{
    private const int NameMax = 20;

    public static string WireName<TState>(this TState state)
        where TState : struct, Enum =>
        JsonNamingPolicy.SnakeCaseLower.ConvertName(state.ToString());

    /// <returns>Null for another text.</returns>
    public static TState? Parse<TState>(string name)
        where TState : struct, Enum =>
        Enum.GetValues<TState>().Cast<TState?>().FirstOrDefault(state => state is { } known && known.WireName() == name);

    public static string Names<TState>()
        where TState : struct, Enum =>
        string.Join(", ", Enum.GetValues<TState>().Select(state => state.WireName()));

    public static PropertyBuilder<TState> HasWireName<TState>(this PropertyBuilder<TState> property)
        where TState : struct, Enum =>
        property.HasMaxLength(NameMax).HasConversion(state => state.WireName(), name => Parse<TState>(name) ?? default);
}
