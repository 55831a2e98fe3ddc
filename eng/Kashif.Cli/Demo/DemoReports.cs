namespace Kashif.Cli.Demo;

/// <summary>A step of a report's past.</summary>
internal sealed record PlannedStep(string Status, DateTimeOffset At, string? Comment, int? Original);

/// <summary>A report of the demo's year.</summary>
/// <param name="Number">The same number is the same report in every run.</param>
/// <param name="Reporter">The index of the citizen; null for a report without one.</param>
internal sealed record PlannedReport(
    int Number, Topic Topic, string Title, string Description, string? Address, bool IsArabic, double Latitude, double Longitude, DateTimeOffset CreatedAt, int? Reporter,
    bool IsAnonymous, bool IsPrivate, IReadOnlyList<PlannedStep> History)
{
    public string Status => History is [] ? "submitted" : History[^1].Status;

    public bool IsOpen => Status is "submitted" or "verified" or "in_progress";

    public bool IsPublic => !IsPrivate;
}

/// <summary>How much there is. A larger demo has all of a smaller one.</summary>
internal sealed record DemoSize(string Name, int Reports, int Citizens)
{
    public static readonly DemoSize[] All = [new("tiny", 40, 6), new("small", 300, 20), new("medium", 3000, 60)];

    /// <summary>The smallest size that has the report.</summary>
    public static DemoSize Of(int number) => All.FirstOrDefault(size => number < size.Reports) ?? All[^1];
}

/// <summary>Plans the reports of a year from a seed: around the busy places of the city, more of them each month, the older ones mostly closed.</summary>
/// <param name="now">The end of the year: of all runs the same, so that they plan the same.</param>
internal sealed class DemoReports(int seed, DateTimeOffset now)
{
    public const int Days = 365;

    private readonly Dictionary<int, PlannedReport> _planned = [];

    public string ClientId(int number) => FormattableString.Invariant($"demo-{seed}-{number}");

    public PlannedReport Plan(int number)
    {
        if (!_planned.TryGetValue(number, out var report))
        {
            _planned[number] = report = Create(number, RandomOf(number));
        }

        return report;
    }

    /// <param name="purpose">What is drawn, so that a change of one does not change the others.</param>
    public Random RandomOf(int number, int purpose = 0) => new(unchecked((((seed * 31) + purpose) * 1_000_003) + number));

    /// <summary>What someone writes who reports at this moment.</summary>
    public (string Title, string Description, string Address, double Latitude, double Longitude, Topic Topic) Text(Random random, bool isArabic)
    {
        var topic = TopicOf(random);
        var (latitude, longitude) = PlaceOf(random);
        var (title, description, address) = TextOf(random, topic, isArabic);
        return (title, description, address, latitude, longitude, topic);
    }

    public static T Pick<T>(Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public static string In((string English, string Arabic) text, bool isArabic) => isArabic ? text.Arabic : text.English;

    private PlannedReport Create(int number, Random random)
    {
        // The first one is a year old: it tells later runs when the demo began.
        var created = number == 0 ? now.AddDays(-Days) : Daytime(now.AddDays(-Days * Math.Pow(random.NextDouble(), 1.7)), RandomOf(number, purpose: 4)); // the rest of the report does not depend on the hour of now
        var reporter = random.Next(7) == 0 ? (int?)null : random.Next(DemoSize.Of(number).Citizens);
        var isArabic = random.Next(2) == 0;
        var (topic, place, fate) = (TopicOf(random), PlaceOf(random), random.NextDouble());
        if (fate < 0.06 && OriginalFor(number, created) is { } original)
        {
            topic = original.Topic;
            place = (original.Latitude + ((random.NextDouble() - 0.5) * 0.0004), original.Longitude + ((random.NextDouble() - 0.5) * 0.0004));
        }
        else
        {
            original = null;
        }

        var (title, description, address) = TextOf(random, topic, isArabic);
        var isPrivate = original is null && random.Next(25) == 0;
        return new PlannedReport(
            number, topic, title, description, random.Next(4) == 0 ? null : address, isArabic, place.Item1, place.Item2, created, reporter, random.Next(9) == 0, isPrivate,
            original is null ? HistoryOf(random, topic, created, fate, isArabic) : Merged(random, created, original.Number, isArabic));
    }

    /// <summary>An earlier number, that is no duplicate itself.</summary>
    private PlannedReport? OriginalFor(int number, DateTimeOffset created) => Enumerable.Range(0, number).Reverse().Take(40).Select(Plan)
        .FirstOrDefault(candidate => candidate.IsPublic && candidate.Status != "duplicate" && candidate.CreatedAt < created && candidate.CreatedAt > created.AddDays(-30));

    private List<PlannedStep> Merged(Random random, DateTimeOffset created, int original, bool isArabic) =>
        created.AddHours(1 + (30 * random.NextDouble())) is var at && at < now ? [new PlannedStep("duplicate", at, CommentOf(random, "duplicate", isArabic), original)] : [];

    private List<PlannedStep> HistoryOf(Random random, Topic topic, DateTimeOffset created, double fate, bool isArabic)
    {
        // Each status with the part of the time that is over then.
        (string Status, double Part)[] path = fate switch
        {
            < 0.13 => [("rejected", 0.3)],
            < 0.16 => [("withdrawn", 0.3)],
            < 0.20 => [("verified", 0.2), ("rejected", 0.5)],
            < 0.26 => [("verified", 0.15), ("in_progress", 0.3), ("resolved", 0.5), ("in_progress", 0.65), ("resolved", 1)], // opened again
            < 0.27 => [], // forgotten
            < 0.28 => [("verified", 0.2)],
            < 0.29 => [("verified", 0.2), ("in_progress", 0.5)],
            _ => [("verified", 0.2), ("in_progress", 0.5), ("resolved", 1)],
        };
        var (history, time) = (new List<PlannedStep>(), TimeToResolve(random, topic));
        foreach (var (status, part) in path)
        {
            var at = created + (time * (part == 1 ? 1 : part - (0.12 * random.NextDouble())));
            if (at >= now)
            {
                break;
            }

            var isAgain = history is [.., { Status: "resolved" }];
            history.Add(new PlannedStep(status, at, isAgain || random.Next(3) > 0 ? CommentOf(random, isAgain ? "reopened" : status, isArabic) : null, null));
        }

        return history;
    }

    /// <summary>Within the service level, as often as the agency is in time; else up to some times as long.</summary>
    private static TimeSpan TimeToResolve(Random random, Topic topic) => TimeSpan.FromDays(topic.Days) * (random.NextDouble() < DemoCity.Agencies[topic.Agency].InTime
        ? 0.15 + (0.8 * random.NextDouble())
        : 1.05 - (0.6 * Math.Log(1 - random.NextDouble())));

    private static string CommentOf(Random random, string kind, bool isArabic) => In(Pick(random, DemoTexts.StatusComments[kind]), isArabic);

    private static Topic TopicOf(Random random)
    {
        var pick = random.NextDouble();
        return DemoTexts.Topics.FirstOrDefault(topic => (pick -= topic.Weight) < 0) ?? DemoTexts.Topics[0];
    }

    private static (string Title, string Description, string Address) TextOf(Random random, Topic topic, bool isArabic)
    {
        var (street, landmark) = (In(Pick(random, DemoTexts.Streets), isArabic), In(Pick(random, DemoTexts.Landmarks), isArabic));
        var title = Pick(random, isArabic ? topic.ArabicTitles : topic.Titles);
        var detail = Pick(random, isArabic ? topic.ArabicDetails : topic.Details);
        return (
            random.Next(2) == 0 ? title : isArabic ? $"{title} في {street}" : $"{title}, {street}",
            isArabic ? $"{street}، {landmark}. {detail}" : $"{street}, {landmark}. {detail}",
            isArabic ? $"{street} {random.Next(1, 160)}، دمشق" : $"{street} {random.Next(1, 160)}, Damascus");
    }

    private static DateTimeOffset Daytime(DateTimeOffset time, Random random) =>
        time.UtcDateTime.Hour < 4 && random.Next(5) > 0 ? time.AddHours(-7) : time; // people sleep

    /// <summary>Around thirty busy places, the first of them the busiest; one in eight anywhere.</summary>
    private static (double Latitude, double Longitude) PlaceOf(Random random)
    {
        const double Degree = 111.2; // km
        if (random.Next(8) == 0)
        {
            return (DemoCity.Latitude + ((random.NextDouble() - 0.5) * 0.14), DemoCity.Longitude + ((random.NextDouble() - 0.5) * 0.18));
        }

        var hub = (int)(30 * Math.Pow(random.NextDouble(), 2));
        var (angle, distance, spread) = (hub * 2.4, 0.8 * Math.Sqrt(hub), 0.15 + (hub % 4 * 0.1)); // a spiral of the golden angle
        return (
            DemoCity.Latitude + (((distance * Math.Sin(angle)) + (spread * Normal())) / Degree),
            DemoCity.Longitude + (((distance * Math.Cos(angle)) + (spread * Normal())) / (Degree * 0.834)));

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}
