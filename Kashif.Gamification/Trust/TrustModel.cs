using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Trust;

/// <summary>What became of a model.</summary>
internal enum TrustModelStatus
{
    /// <summary>Scores come from it.</summary>
    Active,

    /// <summary>A newer model has replaced it.</summary>
    Retired,

    /// <summary>It was never used, for a reason.</summary>
    Rejected,
}

/// <summary>
/// A logistic model of how likely a user's next report is confirmed. The score leaves the intercept out, which is the same for all users: a
/// user of whom nothing is known has <see cref="Neutral"/> under every model.
/// </summary>
internal sealed class TrustModel
{
    /// <summary>The version of the model by hand. Training starts from it.</summary>
    public const int Default = 1;

    /// <summary>The score without history.</summary>
    public const int Neutral = 50;

    public const string TooFewSamples = "too_few_samples";
    public const string WorseThanDefault = "worse_than_default";

    public int Version { get; init; }

    /// <summary>A JSON object: by the names of <see cref="TrackRecord.FeatureNames"/>. A missing weight is 0.</summary>
    public required string Weights { get; init; }

    public double Intercept { get; init; }

    /// <summary>Scores at which something changes for the city, ascending.</summary>
    public required int[] Thresholds { get; init; }

    public DateTimeOffset TrainedAt { get; init; }

    /// <summary>The decided reports of the history, with those held out of the training.</summary>
    public int Samples { get; init; }

    /// <summary>The mean log loss on the part that was held out; null if it was not trained.</summary>
    public double? LogLoss { get; init; }

    /// <summary>The same of the default model.</summary>
    public double? DefaultLogLoss { get; init; }

    /// <summary>The area under the ROC curve on the part that was held out.</summary>
    public double? Auc { get; init; }

    public TrustModelStatus Status { get; init; }

    /// <summary>Why it was rejected: <see cref="TooFewSamples"/> or <see cref="WorseThanDefault"/>.</summary>
    public string? Reason { get; init; }

    /// <returns>The weights in the order of <see cref="TrackRecord.FeatureNames"/>.</returns>
    public double[] WeightVector()
    {
        var weights = JsonSerializer.Deserialize(Weights, GamificationJson.Default.DictionaryStringDouble) ?? [];
        return [.. TrackRecord.FeatureNames.Select(name => weights.GetValueOrDefault(name))];
    }

    public static string ToJson(double[] weights) => JsonSerializer.Serialize(
        TrackRecord.FeatureNames.Zip(weights).ToDictionary(pair => pair.First, pair => Math.Round(pair.Second, 6)), GamificationJson.Default.DictionaryStringDouble);

    /// <returns>From 0 to 100.</returns>
    public static int Score(double[] weights, TrackRecord record) =>
        (int)Math.Round(100 * LogisticRegression.Sigmoid(LogisticRegression.Dot(weights, record.Features)), MidpointRounding.AwayFromZero);

    /// <returns>The last threshold between the two scores; null if there is none. A score has reached a threshold that it equals.</returns>
    public int? Crossed(int previous, int score) => score > previous
        ? Thresholds.Where(threshold => previous < threshold && threshold <= score).Select(threshold => (int?)threshold).Max()
        : Thresholds.Where(threshold => score < threshold && threshold <= previous).Select(threshold => (int?)threshold).Min();
}

internal sealed class TrustModelConfiguration : IEntityTypeConfiguration<TrustModel>
{
    public void Configure(EntityTypeBuilder<TrustModel> model)
    {
        model.ToTable("trust_models");
        model.HasKey(row => row.Version);
        model.Property(row => row.Version).ValueGeneratedNever();
        model.Property(row => row.Weights).HasColumnType("jsonb");
        model.Property(row => row.Status).HasMaxLength(10).HasConversion(
            status => status.ToString().ToLowerInvariant(), text => Enum.Parse<TrustModelStatus>(text, ignoreCase: true));
        model.Property(row => row.Reason).HasMaxLength(50);
        model.HasIndex(row => row.Status).IsUnique().HasFilter("status = 'active'");
        model.HasData(new TrustModel
        {
            Version = TrustModel.Default,
            Weights = """{"verified_rate":2,"resolved_rate":1.5,"rejected_rate":-5,"duplicate_rate":-1,"withdrawn_rate":-1.5,"experience":1,"history":0.5}""",
            Thresholds = [20, 40, 60, 80],
            TrainedAt = new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero),
            Status = TrustModelStatus.Active,
        });
    }
}
