using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;

namespace Kashif.Messaging.Tests;

/// <summary>The wire format of events. Each has a golden file, in which fields are only added.</summary>
public sealed class EventTests
{
    public static TheoryData<string> Types => [.. EventCatalog.Types.Keys];

    [Theory]
    [MemberData(nameof(Types))]
    public void An_event_round_trips_its_golden_file(string type)
    {
        var golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", $"{type}.json"));
        var typeInfo = EventCatalog.Types[type];

        var data = JsonSerializer.Deserialize(golden, typeInfo);
        var written = JsonSerializer.Serialize(data, typeInfo);

        JsonNode.DeepEquals(JsonNode.Parse(written), JsonNode.Parse(golden)).ShouldBeTrue(written);
    }

    [Fact]
    public void Every_event_is_in_the_catalog_under_its_type()
    {
        var events = typeof(IIntegrationEvent).Assembly.GetTypes().Where(type => type.IsClass && type.IsAssignableTo(typeof(IIntegrationEvent)));

        events.Select(type => type.GetProperty(nameof(ReportCreated.Type))?.GetValue(null)).ShouldBe(EventCatalog.Types.Keys, ignoreOrder: true);
    }

    [Fact]
    public void Every_event_of_a_user_but_the_deletion_is_kept_from_bringing_data_back()
    {
        var personal = typeof(IIntegrationEvent).Assembly.GetTypes()
            .Where(type => type.IsClass && type.IsAssignableTo(typeof(IIntegrationEvent)) && type.GetProperty(nameof(IUserEvent.UserId)) is not null)
            .Except([typeof(UserDeleted), typeof(UserDataErased)]);

        personal.ShouldAllBe(type => type.IsAssignableTo(typeof(IUserEvent)));
    }

    [Fact]
    public void Every_subscription_is_to_an_event_in_the_catalog() =>
        EventCatalog.Subscriptions.Values.SelectMany(types => types).ShouldBeSubsetOf(EventCatalog.Types.Keys);
}
