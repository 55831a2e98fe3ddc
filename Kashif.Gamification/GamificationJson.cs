using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Points;
using Kashif.Gamification.Trust;
using Kashif.Http;

namespace Kashif.Gamification;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(BalanceResponse))]
[JsonSerializable(typeof(PointsResponse))]
[JsonSerializable(typeof(TransactionResponse))]
[JsonSerializable(typeof(UserPoints))]
[JsonSerializable(typeof(Page<TransactionResponse>))]
[JsonSerializable(typeof(Page<LeaderboardItem>))]
[JsonSerializable(typeof(DebitRequest))]
[JsonSerializable(typeof(ScoreResponse))]
[JsonSerializable(typeof(TrustModelResponse))]
[JsonSerializable(typeof(Page<TrustModelResponse>))]
[JsonSerializable(typeof(Dictionary<string, double>))]
internal sealed partial class GamificationJson : JsonSerializerContext;
