using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Moderation;
using Kashif.Reporting.Photos;
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
[JsonSerializable(typeof(ChangePhotoRequest))]
[JsonSerializable(typeof(PhotoResponse))]
[JsonSerializable(typeof(Page<PhotoResponse>))]
[JsonSerializable(typeof(Page<ReportResponse>))]
[JsonSerializable(typeof(Page<HistoryEntry>))]
[JsonSerializable(typeof(Page<QueuedReport>))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
internal sealed partial class ReportingJson : JsonSerializerContext;
