using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Reports;

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
[JsonSerializable(typeof(ReportPage))]
[JsonSerializable(typeof(Page<HistoryEntry>))]
[JsonSerializable(typeof(Page<QueuedReport>))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
internal sealed partial class ReportingJson : JsonSerializerContext;
