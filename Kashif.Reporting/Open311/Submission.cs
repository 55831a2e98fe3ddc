using System.Text.Json;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Open311;

/// <summary>A request as an Open311 client sent it. It becomes a report at once if it has coordinates, else when staff place it on the map.</summary>
internal sealed class Submission
{
    public const int ContactMax = 320;
    public const int UrlMax = 2000;

    /// <summary>Also the request's token.</summary>
    public Guid Id { get; init; }
    public Guid KeyId { get; init; }

    /// <summary>Null until staff have placed it.</summary>
    public Guid? ReportId { get; set; }
    public string ServiceCode { get; init; } = "";
    public string Description { get; init; } = "";
    public string? Address { get; init; }
    public string? AddressId { get; init; }

    /// <summary>A photo on the client's own server.</summary>
    public string? MediaUrl { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The answers to the questions of its category, until Open311:KeepContactsFor has passed; null for none.</summary>
    public JsonElement? Answers { get; set; }

    // The reporter, for staff only. Null when Open311:KeepContactsFor has passed.
    public string? Email { get; init; }
    public string? FirstName { get; init; }
    public string? LastName { get; init; }
    public string? Phone { get; init; }
    public string? DeviceId { get; init; }
    public string? AccountId { get; init; }
}

internal sealed class SubmissionConfiguration : IEntityTypeConfiguration<Submission>
{
    /// <summary>The rows that hold personal data, for the erasure.</summary>
    public const string HasContact = "email IS NOT NULL OR first_name IS NOT NULL OR last_name IS NOT NULL OR phone IS NOT NULL OR device_id IS NOT NULL OR account_id IS NOT NULL OR answers IS NOT NULL";

    public void Configure(EntityTypeBuilder<Submission> submission)
    {
        submission.ToTable("open311_submissions");
        submission.HasKey(row => row.Id);
        submission.Property(row => row.Id).ValueGeneratedNever();
        submission.Property(row => row.ServiceCode).HasMaxLength(Categories.Category.CodeMax);
        submission.HasOne<ApiKey>().WithMany().HasForeignKey(row => row.KeyId).OnDelete(DeleteBehavior.Restrict);
        submission.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        submission.HasIndex(row => row.KeyId);
        submission.HasIndex(row => row.ReportId).IsUnique();
        submission.HasIndex(row => row.Id).HasDatabaseName("ix_open311_submissions_unplaced").HasFilter("report_id IS NULL");
        submission.HasIndex(row => row.CreatedAt).HasDatabaseName("ix_open311_submissions_contacts").HasFilter(HasContact);
    }
}
