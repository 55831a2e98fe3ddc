using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Erasure;
using Kashif.Messaging.Events;
using Kashif.Messaging.Outbox;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Trust;

/// <summary>
/// Computes the scores of the owners of decided reports anew, once for a batch, and publishes each change. A score is a function of the
/// history and the model, so that neither the order of events nor their repetition matters. The <see cref="AwardLock"/> puts the writers, and
/// with them the events of a user, in one order.
/// </summary>
internal sealed class TrustScores(GamificationDbContext database, TimeProvider time) : IEventHandler<ReportStatusUpdated>, IEventHandler<SurveyAnswered>, IBatchStep
{
    private readonly Dictionary<Guid, EventCause> _causes = [];

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<ReportStatusUpdated>> events, CancellationToken cancellationToken) => AddAsync(events, updated => updated.UserId);

    public Task HandleAsync(IReadOnlyList<ReceivedEvent<SurveyAnswered>> events, CancellationToken cancellationToken) => AddAsync(events, answered => answered.UserId);

    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_causes.Count == 0)
        {
            return;
        }

        await AwardLock.TakeAsync(database, cancellationToken);
        await database.SaveChangesAsync(cancellationToken); // the history of this batch
        await UpdateAsync([.. _causes.Keys], _causes, cancellationToken);
    }

    /// <summary>Updates up to <paramref name="size"/> scores that come from another model than the active one.</summary>
    /// <returns>How many.</returns>
    public async Task<int> RefreshAsync(int size, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        var users = await database.TrustScores
            .Where(score => !database.TrustModels.Any(model => model.Status == TrustModelStatus.Active && model.Version == score.ModelVersion))
            .OrderBy(score => score.ModelVersion).ThenBy(score => score.UserId).Take(size).Select(score => score.UserId).ToArrayAsync(cancellationToken);
        await UpdateAsync(users, causes: null, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return users.Length;
    }

    private Task AddAsync<TEvent>(IReadOnlyList<ReceivedEvent<TEvent>> events, Func<TEvent, Guid> userOf)
        where TEvent : IIntegrationEvent
    {
        foreach (var received in events.Where(received => userOf(received.Data) != ErasedUser.Id))
        {
            _causes[userOf(received.Data)] = received.Cause;
        }

        return Task.CompletedTask;
    }

    private async Task UpdateAsync(Guid[] users, Dictionary<Guid, EventCause>? causes, CancellationToken cancellationToken)
    {
        var model = await database.TrustModels.AsNoTracking().SingleAsync(row => row.Status == TrustModelStatus.Active, cancellationToken);
        var records = await TrackRecord.ReadAsync(database, users, cancellationToken);
        var scores = await database.TrustScores.Where(score => users.Contains(score.UserId)).ToDictionaryAsync(score => score.UserId, cancellationToken);
        var (weights, now) = (model.WeightVector(), time.GetUtcNow());
        foreach (var user in users)
        {
            if (!scores.TryGetValue(user, out var score))
            {
                if (!records.ContainsKey(user))
                {
                    continue; // a survey's answer, or the user's own change, and no decision
                }

                score = new TrustScore { UserId = user };
                database.TrustScores.Add(score);
            }

            var previous = score.Score;
            if (score.Set(TrustModel.Score(weights, records.GetValueOrDefault(user, TrackRecord.None)), model.Version, now))
            {
                database.Publish(new ScoreUpdated(user, score.Score, previous, model.Crossed(previous, score.Score)), score.ChangedAt, causes?.GetValueOrDefault(user));
            }
        }
    }
}
