using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Areas;
using Kashif.Gamification.Leaderboard;
using Kashif.Gamification.Ledger;
using Kashif.Gamification.Points;
using Kashif.Gamification.Rules;
using Kashif.Gamification.Quests;
using Kashif.Gamification.Trust;
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
[JsonSerializable(typeof(MyPointsResponse))]
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
[JsonSerializable(typeof(AdjustmentRequest))]
[JsonSerializable(typeof(ReversalRequest))]
[JsonSerializable(typeof(AdjustmentResponse))]
[JsonSerializable(typeof(Page<AdjustmentResponse>))]
[JsonSerializable(typeof(Page<LedgerEntryResponse>))]
[JsonSerializable(typeof(DailyPointsResponse))]
[JsonSerializable(typeof(RulesRequest))]
[JsonSerializable(typeof(RulesResponse))]
[JsonSerializable(typeof(RuleVersionResponse))]
[JsonSerializable(typeof(Page<RuleVersionResponse>))]
[JsonSerializable(typeof(DryRunRequest))]
[JsonSerializable(typeof(DryRunResponse))]
[JsonSerializable(typeof(BudgetRequest))]
[JsonSerializable(typeof(BudgetResponse))]
[JsonSerializable(typeof(Page<BudgetResponse>))]
[JsonSerializable(typeof(TopUpRequest))]
[JsonSerializable(typeof(QuestRequest))]
[JsonSerializable(typeof(ChangeQuestRequest))]
[JsonSerializable(typeof(QuestResponse))]
[JsonSerializable(typeof(Page<QuestResponse>))]
[JsonSerializable(typeof(Page<ParticipationResponse>))]
[JsonSerializable(typeof(Page<ManagedQuestResponse>))]
[JsonSerializable(typeof(ScoreResponse))]
[JsonSerializable(typeof(TrustModelResponse))]
[JsonSerializable(typeof(Page<TrustModelResponse>))]
[JsonSerializable(typeof(Dictionary<string, double>))]
internal sealed partial class GamificationJson : JsonSerializerContext;
