using System.Diagnostics;
using Kashif.Telemetry;

namespace Kashif.ServiceDefaults.Tests;

public sealed class TelemetryTests
{
    [Theory]
    [InlineData("url.path", "/api/v1/notifications/devices/secret", "/api/v1/notifications/devices/*")]
    [InlineData("url.path", "/api/notifications/Devices/se/cret", "/api/notifications/Devices/*")]
    [InlineData("url.full", "http://localhost:1/api/v1/notifications/devices/secret?*", "http://localhost:1/api/v1/notifications/devices/*")]
    [InlineData("url.path", "/api/v1/notifications/unread-count", "/api/v1/notifications/unread-count")]
    public void A_devices_token_is_in_no_trace(string tag, string address, string traced)
    {
        using var activity = new Activity("request").SetTag(tag, address);
        using var redaction = new TokenRedaction();

        redaction.OnEnd(activity);

        activity.GetTagItem(tag).ShouldBe(traced);
    }
}
