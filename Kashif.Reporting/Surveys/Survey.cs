using System.Text.Json;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Surveys;

/// <summary>How a question is answered.</summary>
public enum QuestionKind
{
    YesNo,

    /// <summary>From 1, bad, to 5, good.</summary>
    Rating,

    /// <summary>One of the question's choices.</summary>
    Choice,

    /// <summary>In the reporter's own words.</summary>
    Text,
}

/// <summary>Questions to the reporters of resolved reports. At most one survey is open, and asks.</summary>
internal sealed class Survey
{
    public const int TitleMax = 100;
    public const int QuestionMax = 300;
    public const int CodeMax = 40;
    public const int MostQuestions = 20;
    public const int MostChoices = 20;

    public Guid Id { get; init; }
    public required string TitleEn { get; set; }
    public required string TitleAr { get; set; }

    /// <summary>An array of <see cref="SurveyQuestion"/>.</summary>
    public JsonElement Questions { get; set; }
    public bool IsOpen { get; set; } = true;
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ClosedAt { get; set; }

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;

    public SurveyQuestion[] ReadQuestions() => Questions.Deserialize(ReportingJson.Default.SurveyQuestionArray) ?? [];
}

/// <summary>The reporter of a report was asked, once a report. An answer is written into the same row, so there is at most one.</summary>
internal sealed class SurveyRequest
{
    public Guid ReportId { get; init; }
    public Guid SurveyId { get; init; }

    /// <summary>The reporter; the empty id where the person has deleted their account.</summary>
    public Guid UserId { get; init; }
    public DateTimeOffset AskedAt { get; init; }
    public DateTimeOffset AnswerUntil { get; init; }

    /// <summary>An array of <see cref="SurveyAnswer"/>; null until then, like the time.</summary>
    public JsonElement? Answers { get; init; }
    public DateTimeOffset? AnsweredAt { get; init; }
}

internal sealed class SurveyConfiguration : IEntityTypeConfiguration<Survey>, IEntityTypeConfiguration<SurveyRequest>
{
    public void Configure(EntityTypeBuilder<Survey> survey)
    {
        survey.ToTable("surveys");
        survey.HasKey(row => row.Id);
        survey.Property(row => row.Id).ValueGeneratedNever();
        survey.Property(row => row.Version).IsConcurrencyToken();
        survey.HasIndex(row => row.IsOpen).IsUnique().HasFilter("is_open");
    }

    public void Configure(EntityTypeBuilder<SurveyRequest> request)
    {
        request.ToTable("survey_requests");
        request.HasKey(row => row.ReportId);
        request.Property(row => row.ReportId).ValueGeneratedNever();
        request.HasOne<Report>().WithMany().HasForeignKey(row => row.ReportId).OnDelete(DeleteBehavior.Cascade);
        request.HasOne<Survey>().WithMany().HasForeignKey(row => row.SurveyId).OnDelete(DeleteBehavior.Restrict);
        request.HasIndex(row => new { row.SurveyId, row.AnsweredAt, row.ReportId });
        request.HasIndex(row => row.UserId); // an erasure and an export read it
    }
}
