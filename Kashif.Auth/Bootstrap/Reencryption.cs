using System.Security.Cryptography;
using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Bootstrap;

/// <summary>
/// At start, encrypts what another secret encrypted under the current one. Ends the start if a second factor or a signing key in use can
/// be decrypted with neither secret, before a login meets it.
/// </summary>
internal sealed partial class Reencryption(
    IServiceScopeFactory scopes, IOptions<AuthOptions> options, TimeProvider time, ILogger<Reencryption> logger) : IHostedService
{
    private const int BatchSize = 500;

    private RootSecrets Secrets => options.Value.Secrets;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (keys, lostKeys) = await ReencryptKeysAsync(cancellationToken);
        var (credentials, lostCredentials) = await ReencryptCredentialsAsync(cancellationToken);
        if (keys + credentials > 0)
        {
            Reencrypted(logger, keys, credentials);
        }

        if (lostKeys + lostCredentials > 0)
        {
            throw new InvalidOperationException(
                $"{lostKeys} signing keys and {lostCredentials} second factors were encrypted neither under Auth:SigningKeySecret nor under Auth:OtherSigningKeySecret. "
                + "Set Auth:OtherSigningKeySecret to the former secret. If it is lost, delete them. Without the keys all access tokens become invalid; without the second factors "
                + "their users log in with the password alone until they set up an app again: "
                + $"DELETE FROM signing_keys WHERE secret_id IS DISTINCT FROM '{Secrets.CurrentId}'; "
                + $"DELETE FROM totp_credentials WHERE secret_id IS DISTINCT FROM '{Secrets.CurrentId}';");
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<(int Changed, int Lost)> ReencryptKeysAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var now = time.GetUtcNow();
        var keys = await database.SigningKeys.FromSql(
            $"SELECT * FROM signing_keys WHERE secret_id IS DISTINCT FROM {Secrets.CurrentId} AND (retired_at IS NULL OR retired_at > {now}) FOR UPDATE").ToListAsync(cancellationToken);
        var changed = keys.Count(key => Try(() => key.Reencrypt(Secrets)));
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (changed, keys.Count - changed);
    }

    private async Task<(int Changed, int Lost)> ReencryptCredentialsAsync(CancellationToken cancellationToken)
    {
        var (changed, lost, last) = (0, 0, Guid.Empty);
        while (true)
        {
            await using var scope = scopes.CreateAsyncScope();
            var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();

            // Locked: another replica may start too, or a user may set up an app anew.
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            var batch = await database.TotpCredentials.FromSql($"""
                SELECT * FROM totp_credentials WHERE secret_id IS DISTINCT FROM {Secrets.CurrentId} AND user_id > {last}
                ORDER BY user_id LIMIT {BatchSize} FOR UPDATE
                """).ToListAsync(cancellationToken);
            if (batch is [])
            {
                return (changed, lost);
            }

            foreach (var credential in batch)
            {
                if (Try(() => credential.Reencrypt(Secrets)))
                {
                    changed++;
                }
                else if (credential.ConfirmedAt is null)
                {
                    database.TotpCredentials.Remove(credential); // an abandoned setup
                }
                else
                {
                    lost++;
                }
            }

            last = batch[^1].UserId;
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
    }

    private static bool Try(Action reencrypt)
    {
        try
        {
            reencrypt();
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    [LoggerMessage(EventId = 2005, Level = LogLevel.Information,
        Message = "Encrypted {Keys} signing keys and {Credentials} second factors under the current Auth:SigningKeySecret")]
    private static partial void Reencrypted(ILogger logger, int keys, int credentials);
}
