using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Gamification.Achievements;

/// <summary>How apps group achievements.</summary>
public enum AchievementKind
{
    Milestone,
    Badge,
    Streak,
    Level,
}

/// <summary>What an achievement counts.</summary>
public enum AchievementMetric
{
    ReportsFiled,

    /// <summary>Reports that anyone but the reporter has verified.</summary>
    ReportsVerified,

    /// <summary>Reports that anyone but the reporter has resolved.</summary>
    ReportsResolved,

    /// <summary>Days in a row with a report that is not rejected or withdrawn.</summary>
    StreakDays,

    /// <summary>The points that the user has earned and kept.</summary>
    Points,
    Level,
}

/// <summary>Something that users can achieve, once.</summary>
internal sealed class Achievement
{
    public const int CodeLength = 50;
    public const int CategoryLength = 50;
    public const int LongestStreak = 366;

    public required string Code { get; init; }
    public required string TitleEn { get; set; }
    public required string TitleAr { get; set; }
    public required string DescriptionEn { get; set; }
    public required string DescriptionAr { get; set; }
    public AchievementKind Kind { get; set; }
    public AchievementMetric Metric { get; set; }

    /// <summary>The value of the metric that unlocks it.</summary>
    public int Threshold { get; set; }

    /// <summary>Counts only the reports of this category; null counts all.</summary>
    public string? Category { get; set; }

    /// <summary>False: it cannot be unlocked any more; users keep it.</summary>
    public bool Active { get; set; } = true;

    public static string Text<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    public static T Parse<T>(string text)
        where T : struct, Enum => Enum.GetValues<T>().Single(value => Text(value) == text);
}

/// <summary>An achievement that a user has unlocked, for ever.</summary>
internal sealed class UnlockedAchievement
{
    public Guid UserId { get; init; }
    public required string Code { get; init; }
    public DateTimeOffset UnlockedAt { get; init; }
}

internal sealed class AchievementConfiguration : IEntityTypeConfiguration<Achievement>
{
    public void Configure(EntityTypeBuilder<Achievement> achievement)
    {
        achievement.ToTable("achievements", table => table.HasCheckConstraint("ck_achievements_threshold", "threshold > 0"));
        achievement.HasKey(row => row.Code);
        achievement.Property(row => row.Code).HasMaxLength(Achievement.CodeLength);
        achievement.Property(row => row.TitleEn).HasMaxLength(Bilingual.MaxLength);
        achievement.Property(row => row.TitleAr).HasMaxLength(Bilingual.MaxLength);
        achievement.Property(row => row.DescriptionEn).HasMaxLength(Bilingual.MaxLength);
        achievement.Property(row => row.DescriptionAr).HasMaxLength(Bilingual.MaxLength);
        achievement.Property(row => row.Kind).HasMaxLength(20).HasConversion(kind => Achievement.Text(kind), text => Achievement.Parse<AchievementKind>(text));
        achievement.Property(row => row.Metric).HasMaxLength(20).HasConversion(metric => Achievement.Text(metric), text => Achievement.Parse<AchievementMetric>(text));
        achievement.Property(row => row.Category).HasMaxLength(Achievement.CategoryLength);
        achievement.HasData(
            Milestone("first_report", AchievementMetric.ReportsFiled, 1, "First report", "أول بلاغ", "File your first report.", "قدّم أول بلاغ لك."),
            Milestone("reports_verified_10", AchievementMetric.ReportsVerified, 10, "Keen eye", "عين يقظة", "Ten of your reports are verified.", "تم التحقق من عشرة بلاغات لك."),
            Milestone("reports_verified_50", AchievementMetric.ReportsVerified, 50, "Guardian of the city", "حارس المدينة", "Fifty of your reports are verified.", "تم التحقق من خمسين بلاغاً لك."),
            Milestone("first_resolved", AchievementMetric.ReportsResolved, 1, "First repair", "أول إصلاح", "The city resolves one of your reports.", "عالجت المدينة أحد بلاغاتك."),
            Milestone("reports_resolved_25", AchievementMetric.ReportsResolved, 25, "City improver", "مُصلح المدينة", "The city resolves 25 of your reports.", "عالجت المدينة خمسة وعشرين بلاغاً لك."),
            Milestone("points_1000", AchievementMetric.Points, 1_000, "A thousand points", "ألف نقطة", "Earn a thousand points.", "اكسب ألف نقطة."),
            Badge("pothole_spotter", "pothole", "Pothole spotter", "راصد الحفر", "Five of your reports of potholes are verified.", "تم التحقق من خمسة بلاغات لك عن الحفر."),
            Badge("lamplighter", "street_light", "Lamplighter", "مُضيء الشوارع", "Five of your reports of street lights are verified.", "تم التحقق من خمسة بلاغات لك عن إنارة الشوارع."),
            Badge("clean_streets", "garbage", "Clean streets", "شوارع نظيفة", "Five of your reports of garbage are verified.", "تم التحقق من خمسة بلاغات لك عن النفايات."),
            Badge("water_saver", "water_leak", "Water saver", "حافظ المياه", "Five of your reports of water leaks are verified.", "تم التحقق من خمسة بلاغات لك عن تسرب المياه."),
            Badge("friend_of_trees", "park", "Friend of the trees", "صديق الأشجار", "Five of your reports of parks and trees are verified.", "تم التحقق من خمسة بلاغات لك عن الحدائق والأشجار."),
            Streak("streak_7", 7, "A week in a row", "أسبوع متواصل", "Report on seven days in a row.", "قدّم بلاغات في سبعة أيام متتالية."),
            Streak("streak_30", 30, "A month in a row", "شهر متواصل", "Report on thirty days in a row.", "قدّم بلاغات في ثلاثين يوماً متتالياً."),
            Level("level_5", 5, "Level 5", "المستوى الخامس", "Reach level 5.", "ابلغ المستوى الخامس."),
            Level("level_10", 10, "Level 10", "المستوى العاشر", "Reach level 10.", "ابلغ المستوى العاشر."));
    }

    private static Achievement Milestone(string code, AchievementMetric metric, int threshold, string titleEn, string titleAr, string textEn, string textAr) =>
        Seed(code, AchievementKind.Milestone, metric, threshold, titleEn, titleAr, textEn, textAr);

    private static Achievement Badge(string code, string category, string titleEn, string titleAr, string textEn, string textAr) =>
        Seed(code, AchievementKind.Badge, AchievementMetric.ReportsVerified, 5, titleEn, titleAr, textEn, textAr, category);

    private static Achievement Streak(string code, int days, string titleEn, string titleAr, string textEn, string textAr) =>
        Seed(code, AchievementKind.Streak, AchievementMetric.StreakDays, days, titleEn, titleAr, textEn, textAr);

    private static Achievement Level(string code, int level, string titleEn, string titleAr, string textEn, string textAr) =>
        Seed(code, AchievementKind.Level, AchievementMetric.Level, level, titleEn, titleAr, textEn, textAr);

    private static Achievement Seed(
        string code, AchievementKind kind, AchievementMetric metric, int threshold, string titleEn, string titleAr, string textEn, string textAr, string? category = null) => new()
        {
            Code = code,
            Kind = kind,
            Metric = metric,
            Threshold = threshold,
            Category = category,
            TitleEn = titleEn,
            TitleAr = titleAr,
            DescriptionEn = textEn,
            DescriptionAr = textAr,
        };
}

internal sealed class UnlockedAchievementConfiguration : IEntityTypeConfiguration<UnlockedAchievement>
{
    public void Configure(EntityTypeBuilder<UnlockedAchievement> unlocked)
    {
        unlocked.ToTable("unlocked_achievements");
        unlocked.HasKey(row => new { row.UserId, row.Code });
        unlocked.Property(row => row.Code).HasMaxLength(Achievement.CodeLength);
    }
}
