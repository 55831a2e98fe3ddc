using Kashif.Auth.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Bootstrap;

/// <summary>
/// At start, encrypts what another secret encrypted under the current one. Ends the start if a row can be decrypted with neither
/// secret, before a login meets it.
/// </summary>
internal sealed partial class Reencryption(IServiceScopeFactory scopes, IOptions<AuthOptions> options, ILogger<Reencryption> logger) : IHostedService
{
    private const int BatchSize = 500;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        int changed;
        do
        {
            changed = await RunBatchAsync(cancellationToken);
            count += changed;
        }
        while (changed > 0);
        if (count > 0)
        {
            Done(logger, count);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task<int> RunBatchAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<AuthDbContext>();
        var secrets = options.Value.Secrets;

        // Locked: another replica may start too, or a user may set up an app anew.
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var keys = await database.SigningKeys.FromSql(
            $"SELECT * FROM signing_keys WHERE secret_id IS DISTINCT FROM {secrets.CurrentId} ORDER BY id LIMIT {BatchSize} FOR UPDATE").ToListAsync(cancellationToken);
        var credentials = await database.TotpCredentials.FromSql(
            $"SELECT * FROM totp_credentials WHERE secret_id IS DISTINCT FROM {secrets.CurrentId} ORDER BY user_id LIMIT {BatchSize} FOR UPDATE").ToListAsync(cancellationToken);
        keys.ForEach(key => key.Reencrypt(secrets));
        credentials.ForEach(credential => credential.Reencrypt(secrets));
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return keys.Count + credentials.Count;
    }

    [LoggerMessage(EventId = 2005, Level = LogLevel.Information, Message = "Encrypted {Count} signing keys and second factors under the current Auth:SigningKeySecret")]
    private static partial void Done(ILogger logger, int count);
}
