using System.Text;
using System.Text.RegularExpressions;

namespace Kashif.Cli.Demo;

/// <summary>The mails that a system in development writes to a directory instead of sending them.</summary>
internal sealed partial class DemoMail(string? directory)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    /// <summary>Waits for the mail with which an address is verified.</summary>
    /// <returns>The token of its link; null without a mail.</returns>
    public async Task<string?> VerificationAsync(string email)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (directory is not null && Directory.Exists(directory) && TimeProvider.System.GetElapsedTime(start) < LongestWait)
        {
            // Names of files sort by time.
            foreach (var file in Directory.EnumerateFiles(directory, "*.eml").OrderDescending(StringComparer.Ordinal))
            {
                var text = await File.ReadAllTextAsync(file);
                if (text.Contains($"To: {email}\r\n", StringComparison.Ordinal)
                    && text.Split("\r\n\r\n").Select(part => Link().Match(Decode(part))).FirstOrDefault(match => match.Success) is { } link)
                {
                    return link.Groups[1].Value;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(300));
        }

        return null;
    }

    /// <summary>A part of a mail, in Base64 or quoted-printable.</summary>
    private static string Decode(string part)
    {
        var text = part.Split("\r\n--")[0];
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            ? Encoding.UTF8.GetString(bytes, 0, length)
            : text.Replace("=\r\n", "", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"/verify-email#token=([A-Za-z0-9_-]{43})")]
    private static partial Regex Link();
}
