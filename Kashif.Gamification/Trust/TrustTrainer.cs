using Kashif.Gamification.Data;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Gamification.Trust;

/// <summary>
/// Trains a model on the history of reports within <see cref="TrustOptions.History"/>: the features of the reporter before the report was filed, against what became of it. The newest
/// fifth is held out: the model is used only if it does no worse there than the default with its best intercept.
/// </summary>
internal sealed class TrustTrainer(GamificationDbContext database, IOptions<TrustOptions> options, TimeProvider time)
{
    /// <summary>The good and the rejected reports that training needs, each.</summary>
    public const int MinSamples = 200;

    /// <summary>The decided reports that a model learns from at most, the newest.</summary>
    private const int MaxSamples = 200_000;

    /// <summary>The key of an advisory lock; must be unique in this database.</summary>
    private const long Key = 4_711_071;

    private const double Trained = 0.8;

    /// <summary>Of the query that reads the history.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    /// <summary>Held until the transaction ends: one replica trains at a time.</summary>
    public static Task LockAsync(GamificationDbContext database, CancellationToken cancellationToken) =>
        database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Key})", cancellationToken);

    /// <summary>Trains in the caller's transaction, one at a time, and activates the model if it is good enough.</summary>
    /// <param name="isRequested">Keeps the model also where there are too few samples, to show the reason.</param>
    public async Task<TrustModel?> TrainAsync(bool isRequested, CancellationToken cancellationToken)
    {
        await LockAsync(database, cancellationToken);
        var fallback = await database.TrustModels.AsNoTracking().SingleAsync(model => model.Version == TrustModel.Default, cancellationToken);
        var samples = await ReadSamplesAsync(cancellationToken);
        if (Math.Min(samples.Count(sample => sample.IsGood), samples.Count(sample => !sample.IsGood)) < MinSamples)
        {
            return isRequested ? await AddAsync(fallback, fallback.WeightVector(), samples.Count, TrustModel.TooFewSamples, cancellationToken) : null;
        }

        var cut = (int)(samples.Count * Trained);
        var (training, heldOut) = (samples[..cut], samples[cut..]);
        var prior = fallback.WeightVector();
        var (weights, intercept) = LogisticRegression.Fit(training, prior);
        var logLoss = LogisticRegression.LogLoss(heldOut, weights, intercept);
        var defaultLogLoss = LogisticRegression.LogLoss(heldOut, prior, LogisticRegression.FitIntercept(training, prior));
        var auc = LogisticRegression.Auc(heldOut, weights);
        return await AddAsync(
            fallback, weights, samples.Count, logLoss <= defaultLogLoss ? null : TrustModel.WorseThanDefault, cancellationToken, intercept, logLoss, defaultLogLoss,
            double.IsNaN(auc) ? null : auc);
    }

    private async Task<TrustModel> AddAsync(
        TrustModel fallback, double[] weights, int samples, string? reason, CancellationToken cancellationToken,
        double intercept = 0, double? logLoss = null, double? defaultLogLoss = null, double? auc = null)
    {
        var model = new TrustModel
        {
            Version = await database.TrustModels.MaxAsync(row => row.Version, cancellationToken) + 1,
            Weights = TrustModel.ToJson(weights),
            Intercept = intercept,
            Thresholds = fallback.Thresholds,
            TrainedAt = time.GetUtcNow(),
            Samples = samples,
            LogLoss = logLoss,
            DefaultLogLoss = defaultLogLoss,
            Auc = auc,
            Status = reason is null ? TrustModelStatus.Active : TrustModelStatus.Rejected,
            Reason = reason,
        };
        if (reason is null)
        {
            await database.TrustModels.Where(row => row.Status == TrustModelStatus.Active)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.Status, TrustModelStatus.Retired), cancellationToken);
        }

        database.TrustModels.Add(model);
        await database.SaveChangesAsync(cancellationToken);
        return model;
    }

    /// <returns>The newest decided reports in the order in which they were filed.</returns>
    private async Task<List<Sample>> ReadSamplesAsync(CancellationToken cancellationToken)
    {
        database.Database.SetCommandTimeout(Timeout);
        var newest = new PriorityQueue<Sample, (DateTimeOffset At, Guid ReportId)>(); // the oldest of them first
        var replay = new Replay();
        Guid? user = null;
        var since = time.GetUtcNow() - options.Value.History;
        await foreach (var step in database.ReportEvents
            .Where(row => row.UserId != ErasedUser.Id && row.At >= since)
            .Where(row => row.Event != ReportUpdated.Type && row.Event != ReportDeleted.Type && row.Event != ReportMerged.Type)
            .OrderBy(row => row.UserId).ThenBy(row => row.At).ThenBy(row => row.Version).ThenBy(row => row.Id)
            .Select(row => new Step(row.UserId, row.ReportId, row.Event == SurveyAnswered.Type, row.Status, row.ByOwner, row.Version, row.At)).AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            if (step.UserId != user)
            {
                Keep();
                (replay, user) = (new Replay(), step.UserId);
            }

            replay.Add(step);
        }

        Keep();
        var samples = new List<Sample>(newest.Count);
        while (newest.TryDequeue(out var sample, out _))
        {
            samples.Add(sample);
        }

        return samples;

        void Keep()
        {
            foreach (var (at, reportId, sample) in replay.Samples())
            {
                newest.Enqueue(sample, (at, reportId));
                if (newest.Count > MaxSamples)
                {
                    newest.Dequeue();
                }
            }
        }
    }

    private sealed record Step(Guid UserId, Guid ReportId, bool IsAnswer, string? Status, bool ByOwner, int Version, DateTimeOffset At);

    /// <summary>One user's history, event by event.</summary>
    private sealed class Replay
    {
        private readonly Dictionary<Guid, (DateTimeOffset At, double[] Features)> _filed = [];
        private readonly Dictionary<Guid, Step> _decisions = [];
        private readonly HashSet<Guid> _answers = [];
        private TrackRecord _record = TrackRecord.None;

        public void Add(Step step)
        {
            if (step.IsAnswer)
            {
                if (_answers.Add(step.ReportId) && _decisions.ContainsKey(step.ReportId))
                {
                    _record = _record with { Answered = _record.Answered + 1 };
                }

                return;
            }

            if (step.Status is not { } status)
            {
                _filed.TryAdd(step.ReportId, (step.At, _record.Features));
                return;
            }

            // As TrackRecord.ReadAsync has it.
            if ((step.ByOwner && status != "withdrawn") || (_decisions.TryGetValue(step.ReportId, out var before) && before.Version > step.Version))
            {
                return;
            }

            var answered = before is null && _answers.Contains(step.ReportId) ? 1 : 0;
            _record = Count(Count(_record, before?.Status, -1), status, 1) with { Answered = _record.Answered + answered, First = _record.First ?? step.At, Last = step.At };
            _decisions[step.ReportId] = step;
        }

        public IEnumerable<(DateTimeOffset At, Guid ReportId, Sample Sample)> Samples() =>
            from filed in _filed
            let outcome = _decisions.GetValueOrDefault(filed.Key)?.Status
            where outcome is "verified" or "in_progress" or "resolved" or "rejected"
            select (filed.Value.At, filed.Key, new Sample(filed.Value.Features, outcome != "rejected"));

        private static TrackRecord Count(TrackRecord record, string? status, int by) => status switch
        {
            "verified" or "in_progress" => record with { Verified = record.Verified + by },
            "resolved" => record with { Resolved = record.Resolved + by },
            "rejected" => record with { Rejected = record.Rejected + by },
            "duplicate" => record with { Duplicate = record.Duplicate + by },
            "withdrawn" => record with { Withdrawn = record.Withdrawn + by },
            _ => record,
        };
    }
}
