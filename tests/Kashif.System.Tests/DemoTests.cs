using System.Diagnostics;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary><c>./kashif demo</c> fills a running system through its API, without breaking an invariant, and adds nothing the second time.</summary>
public sealed class DemoTests(KashifSystem system)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What a demo must not make twice. Sessions, audit entries and the like belong to every sign-in.</summary>
    private static readonly (string Database, string Table)[] Tables =
    [
        (ResourceNames.AuthDb, "users"), (ResourceNames.ReportingDb, "reports"), (ResourceNames.ReportingDb, "status_changes"), (ResourceNames.ReportingDb, "comments"),
        (ResourceNames.ReportingDb, "votes"), (ResourceNames.ReportingDb, "follows"), (ResourceNames.ReportingDb, "photos"), (ResourceNames.ReportingDb, "imported_reports"),
        (ResourceNames.ReportingDb, "agencies"), (ResourceNames.ReportingDb, "areas"), (ResourceNames.ReportingDb, "employees"), (ResourceNames.ReportingDb, "crews"), (ResourceNames.ReportingDb, "vehicles"),
        (ResourceNames.ReportingDb, "work_orders"), (ResourceNames.ReportingDb, "visits"), (ResourceNames.ReportingDb, "report_notes"), (ResourceNames.ReportingDb, "surveys"),
        (ResourceNames.GamificationDb, "quests"), (ResourceNames.GamificationDb, "budgets"), (ResourceNames.GamificationDb, "quest_participations"),
        (ResourceNames.CouponsDb, "coupons"), (ResourceNames.CouponsDb, "companies"), (ResourceNames.CouponsDb, "products"), (ResourceNames.CouponsDb, "redemptions"), (ResourceNames.CouponsDb, "orders"),
    ];

    [Fact]
    public async Task The_demo_fills_the_system_and_a_second_run_adds_nothing()
    {
        await system.CloseSurveyAsync(); // of the test that tries all requests
        var first = await RunAsync();
        string[] kinds =
        [
            "users", "40 reports of the past", "1 hidden reports", "Moderator:", "followers", "confirmed visits", "finished visits", "internal notes", "answers to the survey", "orders", "redemptions",
        ];
        foreach (var kind in kinds)
        {
            first.ShouldContain(kind);
        }

        await system.InvariantsHoldAsync();
        (await system.RowsAsync(ResourceNames.ReportingDb, WrongHistories)).ShouldBeEmpty("imported reports whose history differs from their status");
        (await system.RowsAsync(ResourceNames.ReportingDb, OutsideOfDistricts)).ShouldBeEmpty("imported reports outside of all areas");
        var before = await CountAsync();

        (await RunAsync()).ShouldContain("Nothing to add");
        (await CountAsync()).ShouldBe(before);
        await system.CloseSurveyAsync();
        await system.InvariantsHoldAsync();
    }

    private const string OutsideOfDistricts = "SELECT id::text FROM reports JOIN imported_reports ON report_id = reports.id WHERE area_id IS NULL";

    private const string WrongHistories = """
        SELECT reports.id::text FROM reports JOIN imported_reports ON report_id = reports.id
        LEFT JOIN LATERAL (SELECT "to", count(*) OVER () AS entries FROM status_changes WHERE status_changes.report_id = reports.id ORDER BY version DESC LIMIT 1) last ON true
        WHERE reports.status <> coalesce(last."to", 'submitted') OR reports.version <> 1 + coalesce(last.entries, 0)
        """;

    private async Task<Dictionary<string, long>> CountAsync()
    {
        var counts = new Dictionary<string, long>();
        foreach (var (database, table) in Tables)
        {
            counts[table] = await system.CountAsync(database, $"SELECT count(*) FROM {table}");
        }

        return counts;
    }

    private async Task<string> RunAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(Repository.Root, "eng/Kashif.Cli/bin/Debug/net10.0/kashif-cli.dll"), "demo", "--size", "tiny", "--mail", system.Mail.FullName, "--base-url", system.AddressOf(ResourceNames.Gateway).ToString()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["KASHIF_ADMIN_EMAIL"] = KashifSystem.AdminEmail,
                ["KASHIF_ADMIN_PASSWORD"] = KashifSystem.AdminPassword,
                ["KASHIF_DEMO_PASSWORD"] = KashifSystem.Password,
            },
        };
        using var process = Process.Start(start).ShouldNotBeNull();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(Cancel), process.StandardError.ReadToEndAsync(Cancel));
        await process.WaitForExitAsync(Cancel);
        TestContext.Current.SendDiagnosticMessage(await errors + await output);
        process.ExitCode.ShouldBe(0, await errors);
        return await output;
    }
}
