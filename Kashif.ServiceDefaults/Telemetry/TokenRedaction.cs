using System.Diagnostics;
using OpenTelemetry;

namespace Kashif.Telemetry;

/// <summary>Keeps the tokens of devices, which the API has at the end of a path, out of the traces of gateway and service.</summary>
internal sealed class TokenRedaction : BaseProcessor<Activity>
{
    private const string Before = "/notifications/devices/";
    private static readonly string[] Tags = ["url.path", "url.full"];

    public override void OnEnd(Activity data)
    {
        foreach (var tag in Tags)
        {
            if (data.GetTagItem(tag) is string address && address.IndexOf(Before, StringComparison.OrdinalIgnoreCase) is >= 0 and var start)
            {
                data.SetTag(tag, $"{address[..(start + Before.Length)]}*");
            }
        }
    }
}
