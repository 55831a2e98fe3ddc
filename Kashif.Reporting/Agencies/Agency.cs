using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Agencies;

/// <summary>A department of the city, or a company that works for it, such as the water works.</summary>
internal sealed class Agency
{
    public const int NameMax = 100;
    public const int ContactMax = 200;
    public const string EmailPattern = @"[^@\s]+@[^@\s]+";
    public const string NotEmail = "Must be an e-mail address.";

    public Guid Id { get; init; }
    public required string NameEn { get; set; }
    public required string NameAr { get; set; }
    public string? Email { get; set; }
    public string? Phone { get; set; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class AgencyConfiguration : IEntityTypeConfiguration<Agency>
{
    public void Configure(EntityTypeBuilder<Agency> agency)
    {
        agency.ToTable("agencies");
        agency.HasKey(row => row.Id);
        agency.Property(row => row.Id).ValueGeneratedNever();
        agency.Property(row => row.Version).IsConcurrencyToken();
        agency.HasIndex(row => row.NameEn).IsUnique();
    }
}
