using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.SignIn;

/// <summary>
/// Hashes on threads of its own, no more at a time than there are cores: the pool's threads stay free for every other
/// request, however many people sign in at once.
/// </summary>
internal sealed class PasswordHashing(IPasswordHasher<object> hasher, IOptions<AuthOptions> options) : IDisposable
{
    /// <summary>OWASP's cost for PBKDF2-HMAC-SHA512, which is what Identity's hasher uses.</summary>
    public const int Iterations = 210_000;

    /// <summary>The hasher takes a user and ignores it.</summary>
    private static readonly object NoUser = new();

    private readonly SemaphoreSlim _cores = new(Environment.ProcessorCount);
    private readonly string _nobodysHash = hasher.HashPassword(NoUser, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public void Dispose() => _cores.Dispose();

    public Task<string> HashAsync(string password, CancellationToken cancellationToken) =>
        RunAsync(() => hasher.HashPassword(NoUser, Composed(password)), cancellationToken);

    /// <param name="hash">Null where there is no such account: that takes as long, and fails.</param>
    public async Task<PasswordVerificationResult> VerifyAsync(string? hash, string password, CancellationToken cancellationToken)
    {
        var result = await RunAsync(() => hasher.VerifyHashedPassword(NoUser, hash ?? _nobodysHash, Composed(password)), cancellationToken);
        return hash is null ? PasswordVerificationResult.Failed : result;
    }

    /// <summary>Keyboards differ in how they write é or ؤ; NIST SP 800-63B has such passwords be the same.</summary>
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
