using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Users;
using Kashif.Messaging.Events;
using Kashif.Validation;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.SignIn;

/// <summary>The second factor of a login: a code from the authenticator app, or a recovery code.</summary>
internal sealed class SecondFactor(AuthDbContext database, SecurityNotices notices, AuditLog audit, IOptions<AuthOptions> options, TimeProvider time)
{
    private const int RecoveryCodes = 10;
    private const int RecoveryCodeLength = 10;

    /// <summary>32 characters without I, O, 0 and 1, which look alike: a code has 50 bits.</summary>
    private const string RecoveryAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    private RootSecrets Secrets => options.Value.Secrets;

    /// <summary>Starts or restarts the setup of an app.</summary>
    /// <returns>The secret for the app; null if an app is already set up.</returns>
    public async Task<byte[]?> BeginAsync(Guid userId, CancellationToken cancellationToken)
    {
        var secret = RandomNumberGenerator.GetBytes(Totp.SecretBytes);
        var protectedSecret = Secrets.Seal(DerivedKey.TotpSecrets, secret, userId.ToByteArray());
        var begun = await database.Database.ExecuteSqlAsync($"""
            INSERT INTO totp_credentials AS held (user_id, protected_secret, secret_id, created_at, last_step)
            VALUES ({userId}, {protectedSecret}, {Secrets.CurrentId}, {time.GetUtcNow()}, 0)
            ON CONFLICT (user_id) DO UPDATE
            SET protected_secret = excluded.protected_secret, secret_id = excluded.secret_id, created_at = excluded.created_at
            WHERE held.confirmed_at IS NULL
            """, cancellationToken);
        return begun == 1 ? secret : null;
    }

    /// <summary>Finishes the setup if the code is correct. From then on logins ask for a code.</summary>
    /// <returns>The recovery codes; null if the code is wrong or no setup was started.</returns>
    public async Task<string[]?> ConfirmAsync(Guid userId, string code, CancellationToken cancellationToken)
    {
        var credential = await database.TotpCredentials.AsNoTracking()
            .SingleOrDefaultAsync(held => held.UserId == userId && held.ConfirmedAt == null, cancellationToken);
        if (credential is null || Match(credential, Plain(code)) is not { } step)
        {
            return null;
        }

        DateTimeOffset? now = time.GetUtcNow();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var confirmed = await database.TotpCredentials
            .Where(held => held.UserId == userId && held.ConfirmedAt == null && held.ProtectedSecret == credential.ProtectedSecret)
            .ExecuteUpdateAsync(set => set.SetProperty(held => held.ConfirmedAt, now).SetProperty(held => held.LastStep, step), cancellationToken);
        if (confirmed == 0)
        {
            return null;
        }

        audit.Record(userId, AuditActions.TotpEnabled);
        await notices.AddAsync(userId, SecurityChanges.TotpEnabled, cancellationToken);
        var codes = await ReplaceRecoveryCodesAsync(userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return codes;
    }

    /// <summary>
    /// Uses a code up, in the caller's transaction; of parallel requests with the same code one succeeds. Leaves the audit entry for the
    /// caller to save.
    /// </summary>
    public async Task<bool> TryUseAsync(Guid userId, string otp, CancellationToken cancellationToken)
    {
        var code = Plain(otp);
        if (code.Length == RecoveryCodeLength)
        {
            return await TryUseRecoveryCodeAsync(userId, code, cancellationToken);
        }

        var credential = await database.TotpCredentials.AsNoTracking()
            .SingleOrDefaultAsync(held => held.UserId == userId && held.ConfirmedAt != null, cancellationToken);
        var newest = Totp.NewestStep(time.GetUtcNow());
        return credential is not null && Match(credential, code) is { } step && await database.TotpCredentials
            .Where(held => held.UserId == userId && (held.LastStep < step || held.LastStep > newest))
            .ExecuteUpdateAsync(set => set.SetProperty(held => held.LastStep, step), cancellationToken) == 1;
    }

    public async Task RemoveAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await ForgetAsync(userId, cancellationToken);
        await notices.AddAsync(userId, SecurityChanges.TotpDisabled, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Removes the app and the recovery codes, if there are any, in the caller's transaction. Leaves the audit entry for the caller to save.</summary>
    public async Task ForgetAsync(Guid userId, CancellationToken cancellationToken)
    {
        await database.RecoveryCodes.Where(code => code.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        if (await database.TotpCredentials.Where(held => held.UserId == userId).ExecuteDeleteAsync(cancellationToken) > 0)
        {
            audit.Record(userId, AuditActions.TotpDisabled);
        }
    }

    /// <returns>New codes, which replace all former ones.</returns>
    public async Task<string[]> RenewRecoveryCodesAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        audit.Record(userId, AuditActions.RecoveryCodesRenewed);
        var codes = await ReplaceRecoveryCodesAsync(userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return codes;
    }

    private async Task<bool> TryUseRecoveryCodeAsync(Guid userId, string code, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hashes = Secrets.All.Select(secret => HashOf(secret, userId, code)).ToArray();
        var used = await database.RecoveryCodes.Where(held => held.UserId == userId && hashes.Contains(held.Hash) && held.UsedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(held => held.UsedAt, now), cancellationToken);
        if (used == 0)
        {
            return false;
        }

        audit.Record(userId, AuditActions.RecoveryCodeUsed, actorId: userId);
        return true;
    }

    private async Task<string[]> ReplaceRecoveryCodesAsync(Guid userId, CancellationToken cancellationToken)
    {
        var codes = Enumerable.Range(0, RecoveryCodes).Select(_ => RandomNumberGenerator.GetString(RecoveryAlphabet, RecoveryCodeLength)).ToArray();
        await database.RecoveryCodes.Where(code => code.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        database.RecoveryCodes.AddRange(codes.Select(code => new RecoveryCode { UserId = userId, Hash = HashOf(Secrets.Current, userId, code) }));
        await database.SaveChangesAsync(cancellationToken);
        return [.. codes.Select(code => $"{code[..(RecoveryCodeLength / 2)]}-{code[(RecoveryCodeLength / 2)..]}")];
    }

    private long? Match(TotpCredential credential, string code)
    {
        var secret = credential.Open(Secrets);
        try
        {
            return Totp.Match(secret, code, time.GetUtcNow());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static byte[] HashOf(string secret, Guid userId, string code) =>
        HMACSHA256.HashData(DerivedKey.Of(secret, DerivedKey.RecoveryCodes), (byte[])[.. userId.ToByteArray(), .. Encoding.UTF8.GetBytes(code)]);

    /// <summary>Removes spaces, hyphens and what a copy from Arabic text brings along; accepts lower case and the digits of every script.</summary>
    private static string Plain(string code) => Digits.ToAscii(string.Concat(code.Where(
        character => !char.IsWhiteSpace(character) && character != '-' && char.GetUnicodeCategory(character) is not UnicodeCategory.Format))).ToUpperInvariant();
}
