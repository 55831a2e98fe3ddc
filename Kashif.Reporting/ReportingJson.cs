using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Votes;

namespace Kashif.Reporting;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UseStringEnumConverter = true,
    Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(CreateReportRequest))]
[JsonSerializable(typeof(ChangeStatusRequest))]
[JsonSerializable(typeof(ChangeCategoryRequest))]
[JsonSerializable(typeof(CategoryResponse))]
[JsonSerializable(typeof(ReportResponse))]
[JsonSerializable(typeof(UserReports))]
[JsonSerializable(typeof(Page<ReportResponse>))]
[JsonSerializable(typeof(Page<HistoryEntry>))]
[JsonSerializable(typeof(Page<QueuedReport>))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
[JsonSerializable(typeof(VoteResponse))]
[JsonSerializable(typeof(FollowResponse))]
[JsonSerializable(typeof(Page<FollowedReport>))]
[JsonSerializable(typeof(AddCommentRequest))]
[JsonSerializable(typeof(ChangeCommentRequest))]
[JsonSerializable(typeof(CommentResponse))]
[JsonSerializable(typeof(Page<CommentResponse>))]
[JsonSerializable(typeof(Page<TimelineEntry>))]
internal sealed partial class ReportingJson : JsonSerializerContext;
