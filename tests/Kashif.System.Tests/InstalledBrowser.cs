using Microsoft.Playwright;

namespace Kashif.Testing;

/// <summary>Runs the installed Chromium with Playwright, without a download.</summary>
internal static class InstalledBrowser
{
    private static readonly string[] Paths =
    [
        "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];

    /// <summary>In milliseconds, as for <c>Eventually</c>.</summary>
    private const float LongestWait = 180_000;

    public static Task<IBrowser> LaunchChromiumAsync(this IPlaywright playwright, params string[] arguments) =>
        playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            Timeout = LongestWait,
            ExecutablePath = Paths.FirstOrDefault(File.Exists)
                ?? throw new InvalidOperationException("Chromium is missing. ./kashif test installs it on Debian; elsewhere install Chromium or Chrome."),
            Args =
            [
                "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                .. arguments,
                .. Environment.UserName == "root" ? ["--no-sandbox"] : Array.Empty<string>(),
            ],
        });

    public static async Task<IPage> OpenPageAsync(this IBrowser browser, BrowserNewPageOptions? options = null)
    {
        var page = await browser.NewPageAsync(options);
        page.SetDefaultTimeout(LongestWait);
        return page;
    }
}
