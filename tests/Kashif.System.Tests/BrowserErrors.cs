using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Kashif.Testing;

internal static class BrowserErrors
{
    /// <summary>Collects errors: console and script errors, error responses and failed requests.</summary>
    public static ConcurrentQueue<string> CollectErrors(this IPage page)
    {
        var errors = new ConcurrentQueue<string>();
        page.Console += (_, message) =>
        {
            // Browsers report this for every page that is not https or localhost.
            if (message.Type == "error" && !message.Text.Contains("Cross-Origin-Opener-Policy", StringComparison.Ordinal))
            {
                errors.Enqueue(message.Text);
            }
        };
        page.PageError += (_, error) => errors.Enqueue(error);
        page.Response += (_, response) =>
        {
            if (response.Status >= 400)
            {
                errors.Enqueue($"{response.Status} {response.Url}");
            }
        };
        page.RequestFailed += (_, request) =>
        {
            // The page itself ended it: a map drops what it no longer shows.
            if (request.Failure != "net::ERR_ABORTED")
            {
                errors.Enqueue($"{request.Failure} {request.Url}");
            }
        };
        return errors;
    }
}
