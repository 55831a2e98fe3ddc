using System.Diagnostics;
using OpenTelemetry;

namespace Kashif.Telemetry;

/// <summary>
/// Removes personal data from the URLs in traces: query strings, which contain locations and e-mail addresses, and device tokens at the
/// end of a path.
/// </summary>
internal sealed class UrlRedaction : BaseProcessor<Activity>
{
    private const string Devices = "/notifications/devices";

    public override void OnEnd(Activity data)
    {
        data.SetTag("url.query", null);
        if (data.GetTagItem("url.path") is string path)
        {
            data.SetTag("url.path", WithoutToken(path));
        }

        if (data.GetTagItem("url.full") is string address)
        {
            data.SetTag("url.full", WithoutToken(address.Split('?')[0]));
        }
    }

    private static string WithoutToken(string address) =>
        address.IndexOf(Devices, StringComparison.OrdinalIgnoreCase) is >= 0 and var start && start + Devices.Length < address.Length
            ? $"{address[..(start + Devices.Length)]}/*"
            : address;
}
