using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;

namespace Kashif.Messaging.Tests;

/// <summary>
/// The wire format of events. Each has a golden file. A golden file does not change: who adds a field moves the file to
/// <c>Golden/Former/&lt;type&gt;.&lt;version&gt;.json</c> and writes a new one. In a rolling upgrade each version reads the others' events.
/// </summary>
public sealed class EventTests
{
    /// <summary>The only field ever removed, a day after it was added and before the first release.</summary>
    private static readonly HashSet<(string Version, string Field)> Removed = [("user.data_erased.1", "requested_at")];

    public static TheoryData<string> Types => [.. EventCatalog.Types.Keys];

    public static TheoryData<string> Former =>
        [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Golden", "Former")).Select(file => Path.GetFileNameWithoutExtension(file))];

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

    [Theory]
    [MemberData(nameof(Former))]
    public void A_former_version_is_read_by_the_event_of_today(string version)
    {
        var (type, former) = ReadFormer(version);
        var typeInfo = EventCatalog.Types[type];

        var written = JsonSerializer.SerializeToNode(former.Deserialize(typeInfo), typeInfo).ShouldNotBeNull().AsObject();

        foreach (var (name, value) in former.Where(field => written.ContainsKey(field.Key)))
        {
            JsonNode.DeepEquals(written[name], value).ShouldBeTrue(name);
        }
    }

    [Theory]
    [MemberData(nameof(Former))]
    public void A_reader_of_a_former_version_finds_its_fields_in_the_event_of_today(string version)
    {
        var (type, former) = ReadFormer(version);
        var golden = ReadGolden(type);

        foreach (var (name, value) in former.Where(field => !Removed.Contains((version, field.Key))))
        {
            golden.ShouldContainKey(name);
            (golden[name]?.GetValueKind()).ShouldBe(value?.GetValueKind(), name);
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_reader_ignores_fields_that_a_later_version_adds(string type)
    {
        var later = ReadGolden(type);
        later["added_later"] = new JsonObject { ["deep"] = new JsonArray(1, "two", null) };
        var typeInfo = EventCatalog.Types[type];

        var written = JsonSerializer.SerializeToNode(later.Deserialize(typeInfo), typeInfo);

        JsonNode.DeepEquals(written, ReadGolden(type)).ShouldBeTrue();
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

    private static (string Type, JsonObject Data) ReadFormer(string version) =>
        (Path.GetFileNameWithoutExtension(version), Read(Path.Combine("Former", $"{version}.json")));

    private static JsonObject ReadGolden(string type) => Read($"{type}.json");

    private static JsonObject Read(string file) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", file))).ShouldNotBeNull().AsObject();
}
