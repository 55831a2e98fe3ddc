using System.Diagnostics;

namespace Kashif.AppHost.Tests;

/// <summary>A directory with what <c>aspire publish</c> writes.</summary>
internal sealed class PublishedOutput : IDisposable
{
    public const string PublicUrl = "https://kashif.example.org", AdminEmail = "admin@example.org";

    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(4);
    private static readonly string[] Given = [$"--Parameters:public-url={PublicUrl}", $"--Parameters:admin-email={AdminEmail}"];

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("kashif-publish-").FullName;

    public string this[string path] => File.ReadAllText(Path.Combine(Directory, path));

    /// <summary>Publishes one target with the required parameters and the given settings.</summary>
    public async Task PublishAsync(string target, params string[] settings)
    {
        var result = await TryPublishAsync(target, [.. Given, .. settings]);
        result.ExitCode.ShouldBe(0, result.Output);
    }

    public Task<(int ExitCode, string Output)> TryPublishAsync(string target, params string[] settings) => RunAsync(
        AppHostProgram.Path, ["--operation", "publish", "--step", $"publish-{target}", "--output-path", Directory, .. settings], AppHostProgram.Directory);

    /// <returns>The exit code and the output of a program that reads <paramref name="input"/>.</returns>
    public static async Task<(int ExitCode, string Output)> RunAsync(string program, IEnumerable<string> arguments, string directory, string? input = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(LongestRun, TestContext.Current.CancellationToken);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await output + await errors);
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
