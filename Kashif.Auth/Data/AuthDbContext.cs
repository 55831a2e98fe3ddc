using Kashif.Auth.Accounts;
using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Deletion;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Mfa;
using Kashif.Auth.Sessions;
using Kashif.Auth.Tokens;
using Kashif.Messaging;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Kashif.Auth.Data;

internal sealed class AuthDbContext(DbContextOptions<AuthDbContext> options) : IdentityDbContext<User, IdentityRole<Guid>, Guid>(options)
{
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

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);

        // What Identity would keep for sign-in through others and for claims beside the roles.
        builder.Ignore<IdentityUserClaim<Guid>>();
        builder.Ignore<IdentityUserLogin<Guid>>();
        builder.Ignore<IdentityRoleClaim<Guid>>();
        builder.Ignore<IdentityUserToken<Guid>>();
        builder.ApplyKashifConventions(this);

        // Identity names these itself, and the convention leaves or derives what Identity named.
        builder.Entity<IdentityRole<Guid>>().HasIndex(role => role.NormalizedName).HasDatabaseName("role_name_index");
        builder.Entity<EmailToken>().HasOne<User>().WithMany().HasForeignKey(token => token.UserId).HasConstraintName("fk_email_tokens_users_user_id");
    }

    /// <summary>Begins a transaction in which replicas that start together do one thing after the other.</summary>
    public async Task<IDbContextTransaction> BeginExclusiveAsync(CancellationToken cancellationToken)
    {
        const long startUp = 0x6b617368_61757468;
        var transaction = await Database.BeginTransactionAsync(cancellationToken);
        await Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({startUp})", cancellationToken);
        return transaction;
    }
}
