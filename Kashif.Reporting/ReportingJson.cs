using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Batch;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Map;
using Kashif.Reporting.Editing;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Sync;

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
[JsonSerializable(typeof(Page<ReportResponse>))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(BatchResponse))]
[JsonSerializable(typeof(SyncResponse))]
[JsonSerializable(typeof(ClusterList))]
[JsonSerializable(typeof(StatisticsResponse))]
[JsonSerializable(typeof(Page<HistoryEntry>))]
[JsonSerializable(typeof(Page<QueuedReport>))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
internal sealed partial class ReportingJson : JsonSerializerContext;
