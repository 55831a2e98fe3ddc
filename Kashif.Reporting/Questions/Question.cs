using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Kashif.Reporting.Categories;
using Kashif.Validation;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Questions;

/// <summary>The type of the answers to a question, by the names of Open311.</summary>
public enum QuestionType
{
    /// <summary>A line of text.</summary>
    String,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A date and time with an offset.</summary>
    Datetime,

    /// <summary>Text of several lines.</summary>
    Text,

    /// <summary>The key of one choice.</summary>
    Singlevaluelist,

    /// <summary>The keys of one or more choices.</summary>
    Multivaluelist,
}

internal static class QuestionTypes
{
    public static string WireName(this QuestionType type) => type.ToString().ToLowerInvariant();

    public static bool HasChoices(this QuestionType type) => type is QuestionType.Singlevaluelist or QuestionType.Multivaluelist;

    /// <summary>Whether people can write about themselves in an answer.</summary>
    public static bool IsFreeText(this QuestionType type) => type is QuestionType.String or QuestionType.Text;
}

/// <summary>A choice of a question.</summary>
/// <param name="Key" example="small">The value of an answer.</param>
/// <param name="En" example="Smaller than a hand">The text in English.</param>
/// <param name="Ar" example="أصغر من كف اليد">The text in Arabic.</param>
/// <remarks>Public, like every part of a request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record Choice(
    [property: Text(1, Question.CodeMax), RegularExpression(Question.KeyPattern, ErrorMessage = Question.InvalidKey)] string Key,
    [property: Title(1, Question.ChoiceMax)] string En,
    [property: Title(1, Question.ChoiceMax)] string Ar);

/// <summary>What the reporter of a category is asked.</summary>
internal sealed class Question
{
    public const int CodeMax = 50;
    public const int TextMax = 300;
    public const int ChoiceMax = 100;
    public const int MaxChoices = 100;
    public const int MaxPosition = 10_000;
    public const string KeyPattern = "[A-Za-z0-9_]+";
    public const string InvalidKey = "Must have letters without accents, digits and underscores only.";

    public required string Category { get; init; }
    public required string Code { get; init; }

    /// <summary>Never changes: answers have it.</summary>
    public required QuestionType Type { get; init; }

    /// <summary>The sort order among the category's questions.</summary>
    public int Position { get; set; }
    public bool Required { get; set; }

    /// <summary>False: only the reporter and staff see the answers.</summary>
    public bool Public { get; set; }

    /// <summary>False: it is not asked any more; its answers stay.</summary>
    public bool Active { get; set; } = true;
    public required string TextEn { get; set; }
    public required string TextAr { get; set; }
    public string? HintEn { get; set; }
    public string? HintAr { get; set; }

    /// <summary>Empty for other types than lists.</summary>
    public Choice[] Choices { get; set; } = [];

    /// <summary>1 when created, incremented at each change: the concurrency token.</summary>
    public int Version { get; set; } = 1;
}

internal sealed class QuestionConfiguration : IEntityTypeConfiguration<Question>
{
    /// <summary>Questions whose answers a person may have written about themselves, for the city alone.</summary>
    public const string IsPersonalSql = "NOT questions.public AND questions.type IN ('string', 'text')";

    public void Configure(EntityTypeBuilder<Question> question)
    {
        question.ToTable("questions");
        question.HasKey(row => new { row.Category, row.Code });
        question.Property(row => row.Category).HasMaxLength(Categories.Category.CodeMax);
        question.Property(row => row.Code).HasMaxLength(Question.CodeMax);
        question.Property(row => row.Type).HasMaxLength(20).HasConversion(type => type.WireName(), name => Enum.Parse<QuestionType>(name, true));
        question.Property(row => row.Choices).HasColumnType("jsonb").HasConversion(
            choices => JsonSerializer.Serialize(choices, ReportingJson.Default.ChoiceArray),
            json => JsonSerializer.Deserialize(json, ReportingJson.Default.ChoiceArray) ?? Array.Empty<Choice>(),
            new ValueComparer<Choice[]>((one, other) => (one ?? Array.Empty<Choice>()).SequenceEqual(other ?? Array.Empty<Choice>()), choices => choices.Length, choices => choices));
        question.Property(row => row.Version).IsConcurrencyToken();
        question.HasOne<Category>().WithMany().HasForeignKey(row => row.Category).OnDelete(DeleteBehavior.Cascade);
    }
}
