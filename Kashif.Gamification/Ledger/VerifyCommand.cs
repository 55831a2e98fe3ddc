using Kashif.Gamification.Data;

namespace Kashif.Gamification.Ledger;

/// <summary>The operator's command <c>verify-ledger</c>. The exit code is 1 if it finds something.</summary>
internal static class VerifyCommand
{
    public const string Name = "verify-ledger";

    public static async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        await using var scope = services.CreateAsyncScope();
        var verification = await new ChainVerifier(scope.ServiceProvider.GetRequiredService<GamificationDbContext>()).VerifyAsync(cancellationToken);
        await WriteAsync(verification, Console.Out);
        Environment.ExitCode = verification.FindingCount == 0 ? 0 : 1;
    }

    public static async Task WriteAsync(LedgerVerification verification, TextWriter output)
    {
        await output.WriteLineAsync(FormattableString.Invariant($"{verification.Entries} entries in {verification.Chains} chains, {verification.Points} points outstanding"));
        await output.WriteLineAsync($"Digest of the heads: {verification.Digest}");
        foreach (var finding in verification.Findings)
        {
            await output.WriteLineAsync(finding.ToString());
        }

        await output.WriteLineAsync(verification.FindingCount switch
        {
            0 => "The ledger is intact.",
            > ChainVerifier.MostFindings => FormattableString.Invariant($"{verification.FindingCount} findings; the first {ChainVerifier.MostFindings} are shown."),
            _ => FormattableString.Invariant($"{verification.FindingCount} findings."),
        });
    }
}
