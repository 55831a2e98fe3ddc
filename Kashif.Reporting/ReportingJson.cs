using Kashif.Http;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.Assignment;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Calendars;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Comments;
using Kashif.Reporting.Editing;
using Kashif.Reporting.Follows;
using Kashif.Reporting.Imports;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Map;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Notes;
using Kashif.Reporting.Open311;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Promises;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Kashif.Reporting.ResponseTemplates;
using Kashif.Reporting.ServiceLevels;
using Kashif.Reporting.Surveys;
using Kashif.Reporting.Sync;
using Kashif.Reporting.Visits;
using Kashif.Reporting.Votes;
using Kashif.Reporting.Webhooks;
using Kashif.Reporting.WorkOrders;
using Kashif.Reporting.Workforce;
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
[JsonSerializable(typeof(CreateCategoryRequest))]
[JsonSerializable(typeof(ChangeCategoryRequest))]
[JsonSerializable(typeof(CreateQuestionRequest))]
[JsonSerializable(typeof(ChangeQuestionRequest))]
[JsonSerializable(typeof(QuestionResponse))]
[JsonSerializable(typeof(Page<QuestionResponse>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, JsonElement>))]
[JsonSerializable(typeof(Choice[]))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(PromiseScores))]
[JsonSerializable(typeof(CategoryResponse))]
[JsonSerializable(typeof(ReportResponse))]
[JsonSerializable(typeof(UserReports))]
[JsonSerializable(typeof(ChangePhotoRequest))]
[JsonSerializable(typeof(PhotoResponse))]
[JsonSerializable(typeof(Page<PhotoResponse>))]
[JsonSerializable(typeof(Page<ReportResponse>))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(BatchResponse))]
[JsonSerializable(typeof(ImportRequest))]
[JsonSerializable(typeof(ImportResponse))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(SyncResponse))]
[JsonSerializable(typeof(ClusterList))]
[JsonSerializable(typeof(StatisticsResponse))]
[JsonSerializable(typeof(ReportPage))]
[JsonSerializable(typeof(Page<HistoryEntry>))]
[JsonSerializable(typeof(Page<QueuedReport>))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
[JsonSerializable(typeof(AgencyRequest))]
[JsonSerializable(typeof(AgencyChange))]
[JsonSerializable(typeof(AgencyResponse))]
[JsonSerializable(typeof(Page<AgencyResponse>))]
[JsonSerializable(typeof(AreaRequest))]
[JsonSerializable(typeof(AreaChange))]
[JsonSerializable(typeof(AreaFeature))]
[JsonSerializable(typeof(AreaCollection))]
[JsonSerializable(typeof(ImportedAreas))]
[JsonSerializable(typeof(RoutedTo))]
[JsonSerializable(typeof(RouteReportRequest))]
[JsonSerializable(typeof(Page<WorkItem>))]
[JsonSerializable(typeof(VoteResponse))]
[JsonSerializable(typeof(FollowResponse))]
[JsonSerializable(typeof(Page<FollowedReport>))]
[JsonSerializable(typeof(Page<FollowedArea>))]
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
[JsonSerializable(typeof(CreateVisitRequest))]
[JsonSerializable(typeof(ChangeVisitRequest))]
[JsonSerializable(typeof(MoveVisitRequest))]
[JsonSerializable(typeof(ConfirmVisitRequest))]
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
[JsonSerializable(typeof(HideUpdateRequest))]
[JsonSerializable(typeof(Page<SentUpdateResponse>))]
[JsonSerializable(typeof(SentUpdateResponse))]
[JsonSerializable(typeof(PlaceSubmissionRequest))]
[JsonSerializable(typeof(SubmissionResponse))]
[JsonSerializable(typeof(Page<SubmissionResponse>))]
[JsonSerializable(typeof(CreateWebhookRequest))]
[JsonSerializable(typeof(CreatedWebhookResponse))]
[JsonSerializable(typeof(Page<WebhookResponse>))]
[JsonSerializable(typeof(Page<WebhookDeliveryResponse>))]
[JsonSerializable(typeof(EmployeeRequest))]
[JsonSerializable(typeof(ChangeEmployeeRequest))]
[JsonSerializable(typeof(EmployeeResponse))]
[JsonSerializable(typeof(Page<EmployeeResponse>))]
[JsonSerializable(typeof(CrewRequest))]
[JsonSerializable(typeof(ChangeCrewRequest))]
[JsonSerializable(typeof(CrewResponse))]
[JsonSerializable(typeof(Page<CrewResponse>))]
[JsonSerializable(typeof(VehicleRequest))]
[JsonSerializable(typeof(ChangeVehicleRequest))]
[JsonSerializable(typeof(VehicleResponse))]
[JsonSerializable(typeof(Page<VehicleResponse>))]
[JsonSerializable(typeof(Dependent[]))]
[JsonSerializable(typeof(AssignReportRequest))]
[JsonSerializable(typeof(AssignmentResponse))]
[JsonSerializable(typeof(NoteRequest))]
[JsonSerializable(typeof(NoteResponse))]
[JsonSerializable(typeof(Page<NoteResponse>))]
[JsonSerializable(typeof(ResponseTemplateRequest))]
[JsonSerializable(typeof(ChangeResponseTemplateRequest))]
[JsonSerializable(typeof(ResponseTemplateResponse))]
[JsonSerializable(typeof(Page<ResponseTemplateResponse>))]
[JsonSerializable(typeof(RenderRequest))]
[JsonSerializable(typeof(RenderedResponse))]
[JsonSerializable(typeof(Page<AuditEntryResponse>))]
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
