using System.Diagnostics;
using Kashif.Testing;

namespace Kashif.SystemTests;

/// <summary>Tools of client developers, which npm installs in the folders of <c>eng</c>.</summary>
internal static class NodeTools
{
    /// <param name="folder">In <c>eng</c>.</param>
    /// <returns>What the script prints, after it has ended without an error.</returns>
    public static async Task<string> RunAsync(string folder, string[] arguments, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(Repository.Root, "eng", folder);
        Directory.Exists(Path.Combine(directory, "node_modules")).ShouldBeTrue($"./kashif test installs the tools; so does npm ci in eng/{folder}.");
        using var process = Process.Start(new ProcessStartInfo("node", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException("Node.js did not start.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(15));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        process.ExitCode.ShouldBe(0, $"node {arguments[0]}\n{await output}\n{await errors}");
        return await output;
    }
}
