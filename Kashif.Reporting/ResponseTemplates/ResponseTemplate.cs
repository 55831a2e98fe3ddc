using Kashif.Reporting.Agencies;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Workforce;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.ResponseTemplates;

/// <summary>A text of the staff for answers to reporters, with variables.</summary>
internal sealed class ResponseTemplate : IOfAgency
{
    /// <summary>The kind in the audit trail.</summary>
    public const string Kind = "response_template";
    public const int NameMax = 100;
    public const int TextMax = StatusChange.CommentMax;

    public Guid Id { get; init; }
    public required string Name { get; set; }
    public Guid? AgencyId { get; set; }

    /// <summary>The only category that it is meant for; null for all.</summary>
    public string? Category { get; set; }

    /// <summary>The only new status that it is meant for; null for all.</summary>
    public ReportStatus? Status { get; set; }

    /// <summary>See <see cref="ResponseText"/>.</summary>
    public required string TextEn { get; set; }
    public required string TextAr { get; set; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class ResponseTemplateConfiguration : IEntityTypeConfiguration<ResponseTemplate>
{
    public void Configure(EntityTypeBuilder<ResponseTemplate> template)
    {
        template.ToTable("response_templates");
        template.HasKey(row => row.Id);
        template.Property(row => row.Id).ValueGeneratedNever();
        template.Property(row => row.Status).HasMaxLength(20)
            .HasConversion(status => status == null ? null : status.Value.WireName(), name => name == null ? null : ReportStatuses.Parse(name));
        template.Property(row => row.Version).IsConcurrencyToken();
        template.HasOne<Agency>().WithMany().HasForeignKey(row => row.AgencyId).OnDelete(DeleteBehavior.Restrict);
        template.HasIndex(row => row.AgencyId);
    }
}
