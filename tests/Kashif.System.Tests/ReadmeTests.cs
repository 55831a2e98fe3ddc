using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Pastes the first session of the README into a shell, as a newcomer does.</summary>
public sealed partial class ReadmeTests(KashifSystem system)
{
    /// <summary>What the session keeps: tokens and ids.</summary>
    private static readonly string[] Variables = ["TOKEN", "REPORT", "ADMIN", "COMPANY", "CATEGORY", "COUPON"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_session_works_twice()
    {
        using var anonymous = system.Anonymous();
        var gateway = anonymous.BaseAddress.ShouldNotBeNull().GetLeftPart(UriPartial.Authority);
        var session = Session().Match(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), Cancel)).Groups[1].Value
            .Replace("http://localhost:8000", gateway, StringComparison.Ordinal)
            .Replace("amina@example.org", $"amina-{Guid.CreateVersion7():N}@kashif.test", StringComparison.Ordinal) // other tests may register the examples' Amina
            .Replace("admin@kashif.local", KashifSystem.AdminEmail, StringComparison.Ordinal);
        session.ShouldContain(gateway);
        session.ShouldContain(KashifSystem.AdminEmail);

        var directory = Directory.CreateTempSubdirectory("kashif-readme-");
        try
        {
            var secrets = directory.CreateSubdirectory(".kashif/secrets");
            await File.WriteAllTextAsync(Path.Combine(secrets.FullName, "admin-password"), KashifSystem.AdminPassword, Cancel);

            for (var run = 1; run <= 2; run++)
            {
                var output = await PasteAsync($"{session}printf '%s\n' {string.Join(' ', Variables.Select(name => $"${{{name}:-null}}"))}", directory);

                var ids = output[^Variables.Length..];
                var coupon = ids[^1];
                ids.ShouldNotContain("null");
                output.ShouldContain("Coupon redeemed");
                using var amina = system.Anonymous();
                amina.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", ids[0]);
                var redemptions = (await amina.GetFromJsonAsync<JsonElement>("/api/v1/coupons/redemptions/me", Cancel)).GetProperty("items").EnumerateArray().ToList();
                redemptions.Count.ShouldBe(run);
                redemptions.ShouldAllBe(redemption => redemption.GetProperty("status").GetString() == "completed");
                redemptions.ShouldContain(redemption => redemption.GetProperty("coupon").GetProperty("id").ToString() == coupon);
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_example_of_templates_works()
    {
        using var anonymous = system.Anonymous();
        var gateway = anonymous.BaseAddress.ShouldNotBeNull().GetLeftPart(UriPartial.Authority);
        var example = Session().Match(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/notifications.md"), Cancel)).Groups[1].Value
            .Replace("http://localhost:8000", gateway, StringComparison.Ordinal)
            .Replace("admin@kashif.local", KashifSystem.AdminEmail, StringComparison.Ordinal);
        var directory = Directory.CreateTempSubdirectory("kashif-templates-");
        try
        {
            var secrets = directory.CreateSubdirectory(".kashif/secrets");
            await File.WriteAllTextAsync(Path.Combine(secrets.FullName, "admin-password"), KashifSystem.AdminPassword, Cancel);

            // As the session of the README leaves them.
            var variables = $"""
                API={gateway}/api/v1
                ADMIN=$(curl -s $API/auth/token -d 'username={KashifSystem.AdminEmail}' --data-urlencode "password=$(cat .kashif/secrets/admin-password)" | jq -r .access_token)

                """;
            var output = string.Join('\n', await PasteAsync(variables + example, directory));

            output.ShouldContain("\"name\":\"points\"");
            output.ShouldContain("\"title\": \"10 points!\"");
            output.ShouldContain("\"body\": \"Enough for a coffee.\"");
            output.ShouldContain("\"version\": 1");
            output.ShouldNotContain("trace_id");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_example_of_Open311_works()
    {
        using var anonymous = system.Anonymous();
        var gateway = anonymous.BaseAddress.ShouldNotBeNull().GetLeftPart(UriPartial.Authority);
        var example = Session().Match(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs/open311.md"), Cancel)).Groups[1].Value
            .Replace("http://localhost:8000", gateway, StringComparison.Ordinal)
            .Replace("admin@kashif.local", KashifSystem.AdminEmail, StringComparison.Ordinal);
        var directory = Directory.CreateTempSubdirectory("kashif-open311-");
        try
        {
            var secrets = directory.CreateSubdirectory(".kashif/secrets");
            await File.WriteAllTextAsync(Path.Combine(secrets.FullName, "admin-password"), KashifSystem.AdminPassword, Cancel);

            var output = string.Join('\n', await PasteAsync(example, directory));

            output.ShouldContain("\"service_code\": \"pothole\"");
            output.ShouldContain("<status>open</status>");
            output.ShouldContain("\"verified\"");
            output.ShouldContain("\"status\": \"INVESTIGATING\"");
            output.ShouldContain("\"description\": \"We have seen it.\"");
            output.ShouldNotContain("trace_id");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <returns>The lines of the output.</returns>
    private static async Task<List<string>> PasteAsync(string script, DirectoryInfo directory)
    {
        using var bash = Process.Start(new ProcessStartInfo("bash")
        {
            WorkingDirectory = directory.FullName,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }).ShouldNotBeNull();
        ConcurrentQueue<string> output = [], errors = [];
        bash.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        bash.ErrorDataReceived += (_, line) => errors.Enqueue(line.Data ?? "");
        bash.BeginOutputReadLine();
        bash.BeginErrorReadLine();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(10));
        try
        {
            await bash.StandardInput.WriteAsync(script);
            bash.StandardInput.Close();
            await bash.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException exception)
        {
            bash.Kill(entireProcessTree: true);
            throw new TimeoutException($"The session did not end:\n{string.Join('\n', output)}", exception);
        }

        string.Concat(errors).ShouldBeEmpty();
        return [.. output.Where(line => line.Length > 0)];
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Session();
}
