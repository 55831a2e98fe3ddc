using Kashif.Auth.Accounts;
using Kashif.Auth.Sessions;
using Kashif.Auth.Tokens;
using Kashif.Persistence;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Kashif.Auth.Data;

internal sealed class AuthDbContext(DbContextOptions<AuthDbContext> options) : IdentityDbContext<User, IdentityRole<Guid>, Guid>(options)
{
    public DbSet<Session> Sessions => Set<Session>();
    public DbSet<RefreshToken> RefreshTokens => Set<RefreshToken>();
    public DbSet<SigningKey> SigningKeys => Set<SigningKey>();

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);

        // What Identity would keep for sign-in through others and for claims beside the roles.
        builder.Ignore<IdentityUserClaim<Guid>>();
        builder.Ignore<IdentityUserLogin<Guid>>();
        builder.Ignore<IdentityRoleClaim<Guid>>();
        builder.ApplyKashifConventions(this);
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
