using System.Collections.Concurrent;
using System.Text.Json;

namespace Kashif.Cli.Demo;

/// <summary>
/// One run. Each step looks up what is there, by client ids, names and Idempotency-Keys, and adds the rest: a second run adds nothing, and a run that was
/// interrupted goes on.
/// </summary>
internal sealed partial class DemoRun(DemoApi api, DemoSize size, int seed, Person admin, DemoMail mail, string password)
{
    private const int AtOnce = 6;

    /// <summary>The ids of the imported reports by their numbers.</summary>
    private readonly Dictionary<int, Guid> _reports = [];

    /// <summary>The citizens who have filed them and the reports of today.</summary>
    private readonly ConcurrentDictionary<Guid, Person> _reporters = new();

    private DemoReports _plan = new(seed, TimeProvider.System.GetUtcNow());

    public IReadOnlyList<Person> Citizens { get; } = [.. Enumerable.Range(0, size.Citizens).Select(DemoCity.Citizen)];

    public IReadOnlyList<Person> WithRoles { get; } = DemoCity.WithRoles;

    /// <summary>Does what needs a role for which the demo has no account.</summary>
    private Person Moderator => WithRoles.FirstOrDefault(person => person is { Role: "moderator", HasRole: true }) ?? admin;

    /// <summary>The agency's field worker.</summary>
    private Person WorkerOf(int agency) => WithRoles[(agency * 2) + 1] is { HasRole: true } worker ? worker : Moderator;

    public async Task AddAsync()
    {
        await StepAsync("People", AddPeopleAsync);
        await StepAsync("Agencies, areas and staff", AddCitySideAsync);
        await StepAsync("A year of reports", ImportAsync);
        await StepAsync("Coupons, products and quests", AddRewardsAsync);
        await StepAsync("Photos, comments, votes and followers", AddCommunityAsync);
        await StepAsync("Reports of today", AddLiveReportsAsync);
        await StepAsync("Work orders and visits", AddWorkAsync);
        await StepAsync("Names, redemptions and orders", AddRedemptionsAsync);
        await StepAsync("Answers to the survey", AnswerSurveyAsync); // last: the reporters are asked some time after a report is resolved
    }

    private static async Task StepAsync(string name, Func<Task> step)
    {
        var start = TimeProvider.System.GetTimestamp();
        await Console.Error.WriteLineAsync($"{name} …");
        await step();
        await Console.Error.WriteLineAsync(FormattableString.Invariant($"  {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0.0} s"));
    }

    private static Task ForEachAsync<T>(IEnumerable<T> items, Func<T, Task> action) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (item, _) => await action(item));

    private string Key(string purpose) => FormattableString.Invariant($"demo-{seed}-{purpose}");

    private static Guid IdOf(JsonElement item) => item.GetProperty("id").GetGuid();

    private static string? TextOf(JsonElement item, string name) => item.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    /// <summary>The name in English of what has names in two languages.</summary>
    private static string? EnglishOf(JsonElement item) => item.TryGetProperty("name", out var name) && name.ValueKind is JsonValueKind.Object ? TextOf(name, "en") : TextOf(item, "name");
}
