using Kashif.Security;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Auth.Data;

internal sealed class RolesConfiguration : IEntityTypeConfiguration<IdentityRole<Guid>>, IEntityTypeConfiguration<IdentityUserRole<Guid>>
{
    /// <summary>The same in every database: the migration inserts the roles under these ids.</summary>
    public static IReadOnlyDictionary<string, Guid> Ids { get; } = new Dictionary<string, Guid>
    {
        [Roles.Citizen] = new("01900000-0000-7000-8000-000000000001"),
        [Roles.Partner] = new("01900000-0000-7000-8000-000000000002"),
        [Roles.Staff] = new("01900000-0000-7000-8000-000000000003"),
        [Roles.Moderator] = new("01900000-0000-7000-8000-000000000004"),
        [Roles.Admin] = new("01900000-0000-7000-8000-000000000005"),
    };

    public void Configure(EntityTypeBuilder<IdentityRole<Guid>> builder)
    {
        builder.ToTable("roles");
        builder.Property(role => role.Name).IsRequired().HasMaxLength(20);
        builder.Property(role => role.NormalizedName).IsRequired().HasMaxLength(20);
        builder.HasData(Ids.Select(role => new IdentityRole<Guid>(role.Key)
        {
            Id = role.Value,
            NormalizedName = role.Key.ToUpperInvariant(),
            ConcurrencyStamp = role.Value.ToString(), // a random one would be another migration each time
        }));
    }

    public void Configure(EntityTypeBuilder<IdentityUserRole<Guid>> builder) => builder.ToTable("user_roles");
}
