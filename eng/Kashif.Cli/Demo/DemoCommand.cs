using System.Globalization;
using System.Security.Cryptography;

namespace Kashif.Cli.Demo;

/// <summary>
/// Fills a running system with a believable city, through its public API: what a newcomer sees is what clients of the API could have made. See docs/demo.md.
/// </summary>
internal static class DemoCommand
{
    private const string Usage = "Usage: ./kashif demo [--size tiny|small|medium] [--seed N] [--base-url URL] [--mail DIR]";
    private const string PasswordFile = ".kashif/secrets/demo-password";
    private const string Alphabet = "ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789";

    public static async Task<int> RunAsync(string[] words)
    {
        var options = Parse(words);
        var size = DemoSize.All.FirstOrDefault(size => size.Name == options.GetValueOrDefault("size", "small")) ?? throw new CliException(Usage);
        if (!int.TryParse(options.GetValueOrDefault("seed", "1"), NumberStyles.None, CultureInfo.InvariantCulture, out var seed))
        {
            throw new CliException(Usage);
        }

        var start = TimeProvider.System.GetTimestamp();
        var (address, admin, dashboard) = await FindAsync(options.GetValueOrDefault("base-url"));
        var password = Password();
        using var api = new DemoApi(address, password);
        var mail = new DemoMail(options.GetValueOrDefault("mail") ?? (options.ContainsKey("base-url") ? null : ".kashif/mail"));
        var run = new DemoRun(api, size, seed, admin, mail, password);
        await run.AddAsync();
        Show(api, run, address, dashboard, password, TimeProvider.System.GetElapsedTime(start));
        return 0;
    }

    private static Dictionary<string, string> Parse(string[] words)
    {
        var options = new Dictionary<string, string>();
        for (var index = 0; index < words.Length; index++)
        {
            // --size=small or --size small
            var parts = words[index].Split('=', 2);
            var value = parts.Length == 2 ? parts[1] : index + 1 < words.Length ? words[++index] : "";
            if (parts[0] is not ("--size" or "--seed" or "--base-url" or "--mail") || value.Length == 0)
            {
                throw new CliException(Usage);
            }

            options[parts[0][2..]] = value;
        }

        return options;
    }

    /// <summary>The gateway, and an admin: of this checkout's run, or of another system from the environment.</summary>
    private static async Task<(Uri Address, Person Admin, string? Dashboard)> FindAsync(string? baseUrl)
    {
        var (email, password) = (Environment.GetEnvironmentVariable("KASHIF_ADMIN_EMAIL"), Environment.GetEnvironmentVariable("KASHIF_ADMIN_PASSWORD"));
        if (baseUrl is not null)
        {
            return Uri.TryCreate(baseUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && email is not null && password is not null
                ? (url, Admin(email, password), null)
                : throw new CliException("For another system, --base-url is its address, such as https://kashif.example.org, and KASHIF_ADMIN_EMAIL and KASHIF_ADMIN_PASSWORD in the environment are the account of an admin.");
        }

        using var connection = await AppHostConnection.OpenAsync();
        var gateway = (await connection.ResourcesAsync()).Where(resource => resource.Title == "gateway")
            .SelectMany(resource => resource.Urls ?? []).FirstOrDefault(url => !url.IsInternal)
            ?? throw new CliException("The gateway has no address yet. Wait until ./kashif status shows it as healthy.");
        email ??= Environment.GetEnvironmentVariable("Parameters__admin-email") ?? "admin@kashif.local";
        password ??= await connection.ExecuteAsync("auth", "show-admin-password");
        return (new Uri(new Uri(gateway.Url).GetLeftPart(UriPartial.Authority)), Admin(email, password.Trim()), await connection.DashboardAsync());

        static Person Admin(string email, string password) => new(email, "The admin", IsArabic: false, "admin") { Password = password, HasRole = true };
    }

    /// <summary>The password of all accounts of the demo. It is generated once, because the system may be reachable by others.</summary>
    private static string Password()
    {
        if (Environment.GetEnvironmentVariable("KASHIF_DEMO_PASSWORD") is { Length: > 0 } chosen)
        {
            return chosen;
        }

        if (!File.Exists(PasswordFile))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PasswordFile) ?? "");
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var writer = new StreamWriter(PasswordFile, options);
            writer.Write(RandomNumberGenerator.GetString(Alphabet, 20));
        }

        return File.ReadAllText(PasswordFile).Trim();
    }

    private static void Show(DemoApi api, DemoRun run, Uri address, string? dashboard, string password, TimeSpan time)
    {
        var added = api.Added.Where(kind => kind.Value > 0).OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => FormattableString.Invariant($"{kind.Value} {kind.Key}")).ToList();
        Console.WriteLine(added.Count == 0 ? "Nothing to add: the demo is complete." : $"Added {string.Join(", ", added)}.");
        Console.WriteLine(FormattableString.Invariant($"It took {time.TotalSeconds:0} s."));
        Console.WriteLine();
        Console.WriteLine($"Map:        {new Uri(address, "/map")}");
        Console.WriteLine($"API:        {new Uri(address, "/docs")}");
        if (dashboard is not null)
        {
            Console.WriteLine($"Dashboard:  {dashboard}");
        }

        Console.WriteLine($"Citizen:    {run.Citizens[0].Email}");
        foreach (var person in run.WithRoles.Where(person => person.HasRole).DistinctBy(person => person.Role))
        {
            Console.WriteLine($"{char.ToUpperInvariant((person.Role ?? "")[0])}{person.Role?[1..] + ":",-11}{person.Email}");
        }

        Console.WriteLine($"Password:   {password}");
    }
}
