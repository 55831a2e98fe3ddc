using Kashif.Gamification.Data;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Trust;

/// <summary>Asks for the scores of a new model. Set at start: the process before may have ended in the middle.</summary>
internal sealed class TrustSignal() : WakeSignal(isSet: true);

/// <summary>Updates all scores to the active model, in batches: each score has the version of its model, so that the next run goes on.</summary>
internal sealed partial class TrustRefresh(IServiceScopeFactory scopes, TrustSignal signal, ILogger<TrustRefresh> logger) : BackgroundService
{
    private const int Batch = 500;

    /// <summary>How often it looks by itself, and after a failure.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var wait = Interval; ;)
        {
            await signal.WaitAsync(wait, stoppingToken);
            wait = Interval;
            try
            {
                while (await RefreshAsync(stoppingToken) == Batch)
                {
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                RefreshFailed(logger, exception);
                wait = Pause;
            }
        }
    }

    private async Task<int> RefreshAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<TrustScores>().RefreshAsync(Batch, cancellationToken);
    }

    [LoggerMessage(EventId = 3071, Level = LogLevel.Warning, Message = "Updating the trust scores to the active model failed; trying again")]
    private static partial void RefreshFailed(ILogger logger, Exception exception);
}

/// <summary>Trains a model each day (UTC), on one replica.</summary>
internal sealed partial class TrustTraining(IServiceScopeFactory scopes, TrustSignal signal, TimeProvider time, ILogger<TrustTraining> logger)
    : HourlyService(scopes, time, logger)
{
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private DateOnly? _trainedOn;

    protected override async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var today = DateOnly.FromDateTime(now.UtcDateTime);
        if (_trainedOn == today)
        {
            return;
        }

        var database = services.GetRequiredService<GamificationDbContext>();
        var midnight = new DateTimeOffset(today, TimeOnly.MinValue, TimeSpan.Zero);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        _trainedOn = today; // also if it fails: the history is long
        await TrustTrainer.LockAsync(database, cancellationToken); // before it looks: another replica may be training
        if (!await database.TrustModels.AnyAsync(model => model.TrainedAt >= midnight, cancellationToken)
            && await services.GetRequiredService<TrustTrainer>().TrainAsync(isRequested: false, cancellationToken) is { } trained)
        {
            await transaction.CommitAsync(cancellationToken);
            signal.Set();
            ModelTrained(_logger, trained.Version, trained.Samples, trained.Status);
        }
    }

    [LoggerMessage(EventId = 3072, Level = LogLevel.Information, Message = "Trained model {Version} of trust on {Samples} reports: {Status}")]
    private static partial void ModelTrained(ILogger logger, int version, int samples, TrustModelStatus status);
}
