using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Areas;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Points;
using Kashif.Gamification.Profiles;
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
[JsonSerializable(typeof(OwnPlace))]
[JsonSerializable(typeof(ProfileRequest))]
[JsonSerializable(typeof(OwnProfile))]
[JsonSerializable(typeof(PublicProfile))]
[JsonSerializable(typeof(Page<PendingName>))]
[JsonSerializable(typeof(ApproveNameRequest))]
[JsonSerializable(typeof(RejectNameRequest))]
[JsonSerializable(typeof(AreaRequest))]
[JsonSerializable(typeof(AreaResponse))]
[JsonSerializable(typeof(Page<AreaResponse>))]
[JsonSerializable(typeof(AchievementRequest))]
[JsonSerializable(typeof(AchievementResponse))]
[JsonSerializable(typeof(Page<AchievementResponse>))]
[JsonSerializable(typeof(Page<OwnAchievement>))]
[JsonSerializable(typeof(LevelsRequest))]
[JsonSerializable(typeof(Page<LevelResponse>))]
[JsonSerializable(typeof(DebitRequest))]
internal sealed partial class GamificationJson : JsonSerializerContext;
