using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Customers;
using Kashif.Auth.Deletion;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Sessions;
using Kashif.Auth.SignIn;
using Kashif.Auth.Tokens;
using Kashif.Auth.Users;
using Kashif.Messaging;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Kashif.Auth.Data;

internal sealed class AuthDbContext(DbContextOptions<AuthDbContext> options) : DbContext(options)
{
    public DbSet<User> Users => Set<User>();
    public DbSet<Customer> Customers => Set<Customer>();
    public DbSet<Invitation> Invitations => Set<Invitation>();
    public DbSet<Session> Sessions => Set<Session>();
    public DbSet<RefreshToken> RefreshTokens => Set<RefreshToken>();
    public DbSet<StoredSigningKey> SigningKeys => Set<StoredSigningKey>();
    public DbSet<EmailToken> EmailTokens => Set<EmailToken>();
    public DbSet<TotpCredential> TotpCredentials => Set<TotpCredential>();
    public DbSet<RecoveryCode> RecoveryCodes => Set<RecoveryCode>();
    public DbSet<ApiKey> ApiKeys => Set<ApiKey>();
    public DbSet<AccountDeletion> Deletions => Set<AccountDeletion>();
    public DbSet<DeletionReceipt> DeletionReceipts => Set<DeletionReceipt>();
    public DbSet<AuditEntry> AuditLog => Set<AuditEntry>();

    protected override void OnModelCreating(ModelBuilder builder) => builder.ApplyKashifConventions(this);

    /// <summary>Begins a transaction that holds the lock until it ends: one at a time over all replicas.</summary>
    public async Task<IDbContextTransaction> BeginExclusiveAsync(AdvisoryLock held, CancellationToken cancellationToken)
    {
        var transaction = await Database.BeginTransactionAsync(cancellationToken);
        await Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({(long)held})", cancellationToken);
        return transaction;
    }

    /// <summary>
    /// Lets one transaction at a time take an address, so that it finds out by a query whether the address is free. A violated unique index
    /// would tell too, but PostgreSQL would log the address.
    /// </summary>
    public Task LockEmailAsync(string normalizedEmail, CancellationToken cancellationToken) => Database.ExecuteSqlAsync(
        $"SELECT pg_advisory_xact_lock(hashtextextended({normalizedEmail}, {(long)AdvisoryLock.Emails}))", cancellationToken);
}

/// <summary>Keys of PostgreSQL advisory locks.</summary>
internal enum AdvisoryLock : long
{
    /// <summary>Creates signing keys one at a time, however many replicas start together.</summary>
    Startup = 0x6b617368_61757468,

    /// <summary>Creates the first admin, changes roles, disables or deletes accounts: an enabled admin must remain.</summary>
    Admins = 0x6b617368_61646d6e,

    /// <summary>The seed of the locks of addresses: <see cref="AuthDbContext.LockEmailAsync"/>.</summary>
    Emails = 0x6b617368_656d6c73,
}
