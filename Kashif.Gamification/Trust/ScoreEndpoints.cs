using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Trust;

/// <summary>How far the city trusts a user's reports.</summary>
/// <param name="Score" example="71">From 0 to 100; 50 for a user on whose reports the city has not decided yet.</param>
/// <param name="ModelVersion" example="1">The model that it comes from.</param>
/// <param name="Factors">What moves it from 50. Empty for a user without decided reports.</param>
internal sealed record ScoreResponse(int Score, int ModelVersion, IReadOnlyList<ScoreFactor> Factors);

/// <summary>A reason of a score: it raises it if weight × value is positive, and lowers it otherwise.</summary>
/// <param name="Name" example="verified_rate">What is measured: rates of the user's decided reports, among them `survey_rate` (whose survey the user has answered), `experience` (how many were confirmed) and `history` (over how long).</param>
/// <param name="Weight" example="2">How much it counts.</param>
/// <param name="Value" example="0.6">The user's value, about 0 to 1.</param>
internal sealed record ScoreFactor(string Name, double Weight, double Value);

/// <summary>A model of trust scores.</summary>
/// <param name="Version" example="2">The version.</param>
/// <param name="Status">`active`: scores come from it.</param>
/// <param name="Reason" example="null">Why it was rejected: `too_few_samples` or `worse_than_default`; null otherwise.</param>
/// <param name="Weights">How much each feature counts.</param>
/// <param name="Intercept" example="0.4">The city's base rate, as a logit. Not part of the score.</param>
/// <param name="Thresholds" example="[20,40,60,80]">The scores whose crossing the event `score.updated` tells.</param>
/// <param name="TrainedAt">When it was trained.</param>
/// <param name="Samples" example="1200">The number of decided reports that it was trained and tested on.</param>
/// <param name="LogLoss" example="0.41">The mean log loss on the newest fifth of the reports, which it was not trained on; null for the default.</param>
/// <param name="DefaultLogLoss" example="0.47">The same of the default model.</param>
/// <param name="Auc" example="0.83">The area under the ROC curve on the same reports.</param>
internal sealed record TrustModelResponse(
    int Version, TrustModelStatus Status, string? Reason, IReadOnlyList<TrustWeight> Weights, double Intercept, IReadOnlyList<int> Thresholds,
    DateTimeOffset TrainedAt, int Samples, double? LogLoss, double? DefaultLogLoss, double? Auc)
{
    public static TrustModelResponse Of(TrustModel model) => new(
        model.Version, model.Status, model.Reason,
        [.. TrackRecord.FeatureNames.Zip(model.WeightVector(), (name, weight) => new TrustWeight(name, weight))],
        model.Intercept, model.Thresholds, model.TrainedAt, model.Samples, model.LogLoss, model.DefaultLogLoss, model.Auc);
}

/// <summary>How much a feature counts.</summary>
/// <param name="Name" example="verified_rate">The feature.</param>
/// <param name="Weight" example="2">Its weight: the change of the score's logit when the feature goes from 0 to 1.</param>
internal sealed record TrustWeight(string Name, double Weight);

internal static class ScoreEndpoints
{
    public static IEndpointRouteBuilder MapScores(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/api/v1/gamification/score").WithTags("Trust").RequireAuthorization();
        group.MapGet("/me", GetMineAsync).WithName("GetMyScore").WithSummary("Get my trust score and its reasons");
        group.MapGet("/models", ListAsync).RequireAuthorization(Policies.Admin)
            .WithName("ListTrustModels").WithSummary("List the models of trust scores, newest first");
        group.MapPost("/models", TrainAsync).RequireAuthorization(Policies.Admin, Policies.Session).WithIdempotency()
            .WithName("TrainTrustModel").WithSummary("Train a model on the history of reports")
            .WithDescription(
                $"Needs {TrustTrainer.MinSamples} confirmed and {TrustTrainer.MinSamples} rejected reports. The model becomes active if it is no worse than the default on the "
                + "newest fifth of them; all scores follow within minutes. Otherwise it is kept as `rejected`.");
        return endpoints;
    }

    private static async Task<Ok<ScoreResponse>> GetMineAsync(ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var score = await database.TrustScores.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken);
        var version = score is { ModelVersion: > 0 } known ? known.ModelVersion : (int?)null;
        var model = await database.TrustModels.AsNoTracking()
            .SingleAsync(row => version == null ? row.Status == TrustModelStatus.Active : row.Version == version, cancellationToken);
        var record = (await TrackRecord.ReadAsync(database, [userId], cancellationToken)).GetValueOrDefault(userId);
        return TypedResults.Ok(new ScoreResponse(
            score?.Score ?? TrustModel.Neutral, model.Version,
            record is null ? [] : [.. TrackRecord.FeatureNames.Zip(model.WeightVector(), record.Features).Select(factor => new ScoreFactor(factor.First, factor.Second, Math.Round(factor.Third, 4)))]));
    }

    private static async Task<Results<Ok<Page<TrustModelResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.TrustModels.AsNoTracking().Where(model => model.Version < before).OrderByDescending(model => model.Version)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, TrustModelResponse.Of, last => Cursor.Encode(last.Version)));
    }

    private static async Task<Created<TrustModelResponse>> TrainAsync(
        TrustTrainer trainer, UnitOfWork work, TrustSignal signal, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        var model = await trainer.TrainAsync(isRequested: true, cancellationToken) ?? throw new InvalidOperationException("A requested model is always kept.");
        var answer = await work.CommitAsync(TypedResults.Created("/api/v1/gamification/score/models", TrustModelResponse.Of(model)), cancellationToken);
        signal.Set();
        return answer;
    }
}
