using System.Diagnostics;
using OpenTelemetry;

namespace Kashif.Telemetry;

/// <summary>
/// Removes personal data from the URLs in traces: query strings, which contain locations and e-mail addresses, and device tokens, user
/// ids and the secrets of calendars at the end of a path.
/// </summary>
internal sealed class UrlRedaction : BaseProcessor<Activity>
{
    /// <summary>What follows is removed. Without the slash, which may be encoded.</summary>
    private static readonly string[] Prefixes = ["/notifications/devices", "/internal/v1/balances", "/reports/calendars"];

    public override void OnEnd(Activity data)
    {
        data.SetTag("url.query", null);
        if (data.GetTagItem("url.path") is string path)
        {
            data.SetTag("url.path", Redact(path));
        }

        if (data.GetTagItem("url.full") is string address)
        {
            data.SetTag("url.full", Redact(address.Split('?')[0]));
        }
    }

    private static string Redact(string address)
    {
        foreach (var prefix in Prefixes)
        {
            if (address.IndexOf(prefix, StringComparison.OrdinalIgnoreCase) is >= 0 and var start && start + prefix.Length < address.Length)
            {
                return $"{address[..(start + prefix.Length)]}/*";
            }
        }

        return address;
    }
}
