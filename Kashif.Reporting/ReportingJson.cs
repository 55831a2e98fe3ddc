using Kashif.Http;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Calendars;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Editing;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Map;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Sync;
using Kashif.Reporting.Visits;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Webhooks;
using Kashif.Reporting.WorkOrders;
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
[JsonSerializable(typeof(CreateProjectRequest))]
[JsonSerializable(typeof(ChangeProjectRequest))]
[JsonSerializable(typeof(ProjectResponse))]
[JsonSerializable(typeof(Page<ProjectResponse>))]
[JsonSerializable(typeof(CreateWorkOrderRequest))]
[JsonSerializable(typeof(ChangeWorkOrderRequest))]
[JsonSerializable(typeof(WorkOrderResponse))]
[JsonSerializable(typeof(Page<WorkOrderResponse>))]
[JsonSerializable(typeof(Page<SubjectEntry>))]
[JsonSerializable(typeof(CreateVisitRequest))]
[JsonSerializable(typeof(ChangeVisitRequest))]
[JsonSerializable(typeof(MoveVisitRequest))]
[JsonSerializable(typeof(CompleteVisitRequest))]
[JsonSerializable(typeof(VisitResponse))]
[JsonSerializable(typeof(Page<VisitResponse>))]
[JsonSerializable(typeof(CreateCalendarRequest))]
[JsonSerializable(typeof(CreatedCalendarResponse))]
[JsonSerializable(typeof(Page<CalendarResponse>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
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
internal sealed partial class ReportingJson : JsonSerializerContext;
