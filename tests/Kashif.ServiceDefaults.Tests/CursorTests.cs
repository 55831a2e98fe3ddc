using Kashif.Http;

namespace Kashif.ServiceDefaults.Tests;

/// <summary>Cursors and pages.</summary>
public sealed class CursorTests
{
    [Fact]
    public void A_decoded_key_equals_the_encoded_key()
    {
        var id = Guid.CreateVersion7();
        var distance = 0.1 + 0.2;

        Cursor.TryDecode<double, Guid>(Cursor.Encode(distance, id), out var sameDistance, out var sameId).ShouldBeTrue();

        sameDistance.ShouldBe(distance);
        sameId.ShouldBe(id);
    }

    [Fact]
    public void An_instant_keeps_its_microseconds()
    {
        var at = new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero).AddMicroseconds(123456);

        Cursor.TryDecode<DateTimeOffset>(Cursor.Encode(at), out var same).ShouldBeTrue();

        same.ShouldBe(at);
    }

    [Theory]
    [InlineData("")]
    [InlineData("!!!")]
    [InlineData("YWJj")]
    [InlineData("MXwyfDM")]
    public void An_invalid_cursor_is_rejected(string cursor) =>
        Cursor.TryDecode<double, Guid>(cursor, out _, out _).ShouldBeFalse();

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(2, 2, false)]
    [InlineData(3, 2, true)]
    public void A_page_has_a_cursor_if_another_page_follows(int rows, int items, bool more)
    {
        var page = Page.Of(Enumerable.Range(1, rows).ToList(), 2, Cursor.Encode);

        page.Items.Count.ShouldBe(items);
        (page.NextCursor is not null).ShouldBe(more);
        if (more)
        {
            Cursor.TryDecode<int>(page.NextCursor ?? "", out var last).ShouldBeTrue();
            last.ShouldBe(2);
        }
    }
}
