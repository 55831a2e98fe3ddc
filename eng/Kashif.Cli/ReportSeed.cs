using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Spectre.Console;

namespace Kashif.Cli;

/// <summary>
/// Fills Reporting's database with reports as a city has them: clusters around busy places, a year of days and nights, the older ones mostly resolved, each with
/// its history. No events are published, so no user earns points or gets notifications.
/// </summary>
internal static class ReportSeed
{
    private const int Most = 5_000_000;

    /// <summary>A batch is a transaction: after an interruption the next run goes on.</summary>
    private const int Batch = 10_000;

    private const int Users = 20_000;
    private const string UserPrefix = "5eed0000-0000-7000-8000-";
    private static readonly TimeSpan Span = TimeSpan.FromDays(365);

    private static readonly (string Code, double Weight, string[] Titles)[] Categories =
    [
        ("pothole", 0.22, ["Deep pothole", "Pothole after the rain", "حفرة عميقة في الطريق"]),
        ("garbage", 0.20, ["Overflowing bins", "Waste on the corner", "نفايات متراكمة"]),
        ("street_light", 0.16, ["Street light is out", "Dark street", "إنارة الشارع معطلة"]),
        ("water_leak", 0.10, ["Water runs down the street", "Leaking pipe", "تسرب مياه"]),
        ("sidewalk", 0.09, ["Broken paving", "رصيف مكسور"]),
        ("sewage", 0.07, ["Blocked drain", "انسداد الصرف الصحي"]),
        ("traffic_signal", 0.05, ["Traffic light is stuck", "إشارة المرور متوقفة"]),
        ("graffiti", 0.05, ["Graffiti on the wall", "كتابة على الجدران"]),
        ("noise", 0.03, ["Noise at night", "ضوضاء ليلية"]),
        ("abandoned_vehicle", 0.03, ["Car without plates", "مركبة مهجورة"]),
    ];

    private static readonly string[] Streets = ["Baghdad Street", "Port Said Street", "Al Thawra Street", "Straight Street", "شارع بغداد", "شارع الثورة"];

    /// <param name="count">How many reports of this command the database has afterwards. A second run adds what is missing.</param>
    public static async Task<int> RunAsync(string count)
    {
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) || wanted is 0 or > Most)
        {
            throw new CliException($"Say how many reports, up to {Most}: ./kashif seed reports 100000");
        }

        using var connection = await AppHostConnection.OpenAsync();
        await using var database = NpgsqlDataSource.Create(await connection.ExecuteAsync("reporting-db", "connection-string"));
        var start = TimeProvider.System.GetTimestamp();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var added = 0;
        await console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).StartAsync(async progress =>
        {
            var task = progress.AddTask("Reports", maxValue: wanted);
            added = await FillAsync(database, wanted, task.Increment);
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{added} reports added in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0} s; there are at least {wanted} of this command."));
        return 0;
    }

    /// <param name="advance">Called with how many more of the wanted reports the database has.</param>
    /// <returns>How many reports were missing.</returns>
    internal static async Task<int> FillAsync(NpgsqlDataSource database, int wanted, Action<double> advance)
    {
        await using var counting = database.CreateCommand(
            $"SELECT count(*)::int FROM reports WHERE user_id BETWEEN '{User(0)}' AND '{User(Users)}'");
        var present = Math.Min((int)(await counting.ExecuteScalarAsync() ?? 0), wanted);
        advance(present);
        var batches = Enumerable.Range(0, (wanted - present + Batch - 1) / Batch)
            .Select(number => (First: present + (number * Batch), Count: Math.Min(Batch, wanted - present - (number * Batch))));
        var now = TimeProvider.System.GetUtcNow();
        await Parallel.ForEachAsync(batches, new ParallelOptions { MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount, 2, 8) }, async (batch, cancellationToken) =>
        {
            var random = new Random(batch.First);
            await InsertAsync(database, [.. Enumerable.Range(batch.First, batch.Count).Select(number => Create(random, number, wanted, now))], cancellationToken);
            advance(batch.Count);
        });
        await using var analyze = database.CreateCommand("VACUUM (ANALYZE) reports, status_changes");
        analyze.CommandTimeout = 0;
        await analyze.ExecuteNonQueryAsync();
        return wanted - present;
    }

    private static Guid User(int number) => Guid.Parse($"{UserPrefix}{number:x12}");

    /// <param name="number">From 0 to <paramref name="count"/>: the older the smaller.</param>
    private static Seeded Create(Random random, int number, int count, DateTimeOffset now)
    {
        var created = now - (Span * (1 - ((number + random.NextDouble()) / count)));
        var day = created.UtcDateTime.TimeOfDay.TotalHours;
        if (day < 5 && random.NextDouble() < 0.8)
        {
            created = created.AddHours(7); // people sleep
        }

        created = created < now ? created : now.AddSeconds(-1);
        var pick = random.NextDouble();
        var category = Categories.FirstOrDefault(candidate => (pick -= candidate.Weight) < 0, Categories[0]);
        var (latitude, longitude) = PlaceOf(random);
        var history = HistoryOf(random, created, now);
        var micros = new DateTimeOffset(created.UtcTicks / 10 * 10, TimeSpan.Zero);
        return new Seeded(
            Guid.CreateVersion7(micros), User(random.Next(Users)), category.Titles[random.Next(category.Titles.Length)],
            $"Seen on the way to work, {random.Next(1, 40)} m after the corner.", category.Code,
            history is [] ? "submitted" : history[^1].To, latitude, longitude, random.Next(3) == 0 ? null : $"{Streets[random.Next(Streets.Length)]} {random.Next(1, 200)}",
            micros, history);
    }

    /// <summary>Around forty busy places of a city, the first of them the busiest; one report in six anywhere in the city and its suburbs.</summary>
    private static (double Latitude, double Longitude) PlaceOf(Random random)
    {
        const double Latitude = 33.513, Longitude = 36.292, Degree = 111.2; // km
        if (random.Next(6) == 0)
        {
            return (Latitude + ((random.NextDouble() - 0.5) * 0.36), Longitude + ((random.NextDouble() - 0.5) * 0.44));
        }

        var hub = (int)(40 * Math.Pow(random.NextDouble(), 2));
        var (angle, distance) = (hub * 2.4, 0.9 * Math.Sqrt(hub)); // a spiral of the golden angle
        var spread = 0.25 + (hub % 5 * 0.15);
        return (
            Latitude + (((distance * Math.Sin(angle)) + (spread * Normal())) / Degree),
            Longitude + (((distance * Math.Cos(angle)) + (spread * Normal())) / (Degree * 0.834)));

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    private static List<Change> HistoryOf(Random random, DateTimeOffset created, DateTimeOffset now)
    {
        var fate = random.NextDouble();
        string[] path = fate < 0.06 ? ["rejected"] : fate < 0.09 ? ["withdrawn"] : ["verified", "in_progress", "resolved"];
        var changes = new List<Change>(path.Length);
        var (at, from) = (created, "submitted");
        foreach (var to in path)
        {
            at = at.AddHours(2 - (Math.Log(1 - random.NextDouble()) * (to == "resolved" ? 240 : 60)));
            if (at >= now)
            {
                break;
            }

            at = new DateTimeOffset(at.UtcTicks / 10 * 10, TimeSpan.Zero);
            changes.Add(new Change(from, to, at));
            from = to;
        }

        return changes;
    }

    private static async Task InsertAsync(NpgsqlDataSource database, Seeded[] reports, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var copy = await connection.BeginBinaryImportAsync(
            "COPY reports (id, user_id, title, description, category, status, latitude, longitude, address, created_at, updated_at, version) FROM STDIN (FORMAT binary)", cancellationToken))
        {
            foreach (var report in reports)
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(report.Id, cancellationToken);
                await copy.WriteAsync(report.UserId, cancellationToken);
                await copy.WriteAsync(report.Title, cancellationToken);
                await copy.WriteAsync(report.Description, cancellationToken);
                await copy.WriteAsync(report.Category, cancellationToken);
                await copy.WriteAsync(report.Status, cancellationToken);
                await copy.WriteAsync(report.Latitude, cancellationToken);
                await copy.WriteAsync(report.Longitude, cancellationToken);
                await (report.Address is { } address ? copy.WriteAsync(address, cancellationToken) : copy.WriteNullAsync(cancellationToken));
                await copy.WriteAsync(report.CreatedAt, NpgsqlDbType.TimestampTz, cancellationToken);
                await copy.WriteAsync(report.History is [] ? report.CreatedAt : report.History[^1].At, NpgsqlDbType.TimestampTz, cancellationToken);
                await copy.WriteAsync(1 + report.History.Count, cancellationToken);
            }

            await copy.CompleteAsync(cancellationToken);
        }

        await using (var copy = await connection.BeginBinaryImportAsync(
            """COPY status_changes (report_id, version, "from", "to", changed_by, at) FROM STDIN (FORMAT binary)""", cancellationToken))
        {
            foreach (var (report, change, index) in reports.SelectMany(report => report.History.Select((change, index) => (report, change, index))))
            {
                await copy.StartRowAsync(cancellationToken);
                await copy.WriteAsync(report.Id, cancellationToken);
                await copy.WriteAsync(index + 2, cancellationToken);
                await copy.WriteAsync(change.From, cancellationToken);
                await copy.WriteAsync(change.To, cancellationToken);
                await copy.WriteAsync(change.To == "withdrawn" ? report.UserId : User(Users), cancellationToken);
                await copy.WriteAsync(change.At, NpgsqlDbType.TimestampTz, cancellationToken);
            }

            await copy.CompleteAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private sealed record Seeded(
        Guid Id, Guid UserId, string Title, string Description, string Category, string Status, double Latitude, double Longitude, string? Address,
        DateTimeOffset CreatedAt, List<Change> History);

    private sealed record Change(string From, string To, DateTimeOffset At);
}
