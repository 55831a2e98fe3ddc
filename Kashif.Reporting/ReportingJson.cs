using Kashif.Http;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Editing;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Map;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Sync;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Webhooks;
using System.Text.Json;
using System.Text.Json.Serialization;

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
[JsonSerializable(typeof(EditReportRequest))]
[JsonSerializable(typeof(ReopenReportRequest))]
[JsonSerializable(typeof(ChangeCategoryRequest))]
[JsonSerializable(typeof(CategoryResponse))]
[JsonSerializable(typeof(ReportResponse))]
[JsonSerializable(typeof(UserReports))]
[JsonSerializable(typeof(ChangePhotoRequest))]
[JsonSerializable(typeof(PhotoResponse))]
[JsonSerializable(typeof(Page<PhotoResponse>))]
[JsonSerializable(typeof(Page<ReportResponse>))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(BatchResponse))]
[JsonSerializable(typeof(SyncResponse))]
[JsonSerializable(typeof(ClusterList))]
[JsonSerializable(typeof(StatisticsResponse))]
[JsonSerializable(typeof(ReportPage))]
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
[JsonSerializable(typeof(CreateOpen311KeyRequest))]
[JsonSerializable(typeof(CreatedOpen311KeyResponse))]
[JsonSerializable(typeof(Page<Open311KeyResponse>))]
[JsonSerializable(typeof(PlaceSubmissionRequest))]
[JsonSerializable(typeof(SubmissionResponse))]
[JsonSerializable(typeof(Page<SubmissionResponse>))]
[JsonSerializable(typeof(CreateWebhookRequest))]
[JsonSerializable(typeof(CreatedWebhookResponse))]
[JsonSerializable(typeof(Page<WebhookResponse>))]
[JsonSerializable(typeof(Page<WebhookDeliveryResponse>))]
[JsonSerializable(typeof(CreateSurveyRequest))]
[JsonSerializable(typeof(ChangeSurveyRequest))]
[JsonSerializable(typeof(SurveyQuestion[]))]
[JsonSerializable(typeof(SurveyAnswer[]))]
[JsonSerializable(typeof(SurveyResponse))]
[JsonSerializable(typeof(Page<SurveyResponse>))]
[JsonSerializable(typeof(AnswerSurveyRequest))]
[JsonSerializable(typeof(ReportSurveyResponse))]
[JsonSerializable(typeof(SurveyResultsResponse))]
[JsonSerializable(typeof(Page<SurveyTextResponse>))]
internal sealed partial class ReportingJson : JsonSerializerContext;
