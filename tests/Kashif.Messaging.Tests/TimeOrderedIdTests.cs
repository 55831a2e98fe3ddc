namespace Kashif.Messaging.Tests;

public sealed class TimeOrderedIdTests
{
    [Fact]
    public void Ids_sort_by_their_microsecond()
    {
        var start = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        Guid[] ids = [.. Enumerable.Range(0, 3000).Select(step => TimeOrderedId.Create(start.AddMicroseconds(step)))];

        ids.ShouldBe(ids.Order());
        ids.Select(id => id.ToString()).ShouldBe(ids.Select(id => id.ToString()).Order(StringComparer.Ordinal));
        ids.ShouldAllBe(id => id.Version == 7 && id.Variant >= 8 && id.Variant <= 11);
    }

    [Fact]
    public void Ids_of_one_instant_are_different()
    {
        var now = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        Enumerable.Range(0, 1000).Select(_ => TimeOrderedId.Create(now)).ShouldBeUnique();
    }
}
