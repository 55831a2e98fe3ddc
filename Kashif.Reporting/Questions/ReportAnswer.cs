using System.Text.Json;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Questions;

/// <summary>A reporter's answer to a question of the report's category.</summary>
internal sealed class ReportAnswer
{
    public Guid ReportId { get; init; }

    /// <summary>The report's category, whose question it is.</summary>
    public required string Category { get; set; }

    /// <summary>The code of the question.</summary>
    public required string Question { get; init; }

    /// <summary>A text, a number, or a list of the keys of choices.</summary>
    public JsonElement Value { get; set; }
}

internal sealed class ReportAnswerConfiguration : IEntityTypeConfiguration<ReportAnswer>
{
    public void Configure(EntityTypeBuilder<ReportAnswer> answer)
    {
        answer.ToTable("report_answers");
        answer.HasKey(row => new { row.ReportId, row.Question });
        answer.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
        answer.Property(row => row.Question).HasMaxLength(Questions.Question.CodeMax);
        answer.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);

        // A question that was answered is never deleted.
        answer.HasOne<Question>().WithMany().HasForeignKey(row => new { row.Category, row.Question }).OnDelete(DeleteBehavior.Restrict);
        answer.HasIndex(row => new { row.Category, row.Question });
    }
}
