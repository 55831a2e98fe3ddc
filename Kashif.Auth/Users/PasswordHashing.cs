using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Users;

/// <summary>
/// Hashes on dedicated threads, at most one for each core, so that many logins at once do not take the thread pool from other
/// requests.
/// </summary>
internal sealed class PasswordHashing(IPasswordHasher<object> hasher, IOptions<AuthOptions> options) : IDisposable
{
    /// <summary>OWASP's recommendation for PBKDF2-HMAC-SHA512, the algorithm of Identity's hasher.</summary>
    public const int MinIterations = 210_000;

    /// <summary>The hasher takes a user and ignores it.</summary>
    private static readonly object NoUser = new();

    private readonly SemaphoreSlim _cores = new(Environment.ProcessorCount);
    private readonly string _dummyHash = hasher.HashPassword(NoUser, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public void Dispose() => _cores.Dispose();

    public Task<string> HashAsync(string password, CancellationToken cancellationToken) =>
        RunAsync(() => hasher.HashPassword(NoUser, Composed(password)), cancellationToken);

    /// <param name="hash">Null for an unknown account: verification takes as long, and fails.</param>
    public async Task<PasswordVerificationResult> VerifyAsync(string? hash, string password, CancellationToken cancellationToken)
    {
        var result = await RunAsync(() => hasher.VerifyHashedPassword(NoUser, hash ?? _dummyHash, Composed(password)), cancellationToken);
        return hash is null ? PasswordVerificationResult.Failed : result;
    }

    /// <summary>Keyboards encode é or ؤ differently; NIST SP 800-63B asks for normalization.</summary>
    private static string Composed(string password) => password.Normalize(NormalizationForm.FormC);

    private async Task<T> RunAsync<T>(Func<T> hash, CancellationToken cancellationToken)
    {
        if (!await _cores.WaitAsync(options.Value.LongestHashingWait, cancellationToken))
        {
            throw new TimeoutException("Too many passwords are waiting to be checked.");
        }

        try
        {
            return await Task.Factory.StartNew(hash, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _cores.Release();
        }
    }
}
