using System.Diagnostics;
using OpenTelemetry;

namespace Kashif.Telemetry;

/// <summary>
/// Keeps personal data in addresses out of the traces: queries, which hold places and e-mail addresses, and the tokens of devices,
/// which the API has at the end of a path.
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
