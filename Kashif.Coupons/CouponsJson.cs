using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Points;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Reports;
using Kashif.Http;

namespace Kashif.Coupons;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(BalanceResponse))]
[JsonSerializable(typeof(CompanyRequest))]
[JsonSerializable(typeof(CompanyResponse))]
[JsonSerializable(typeof(Page<CompanyResponse>))]
[JsonSerializable(typeof(CategoryRequest))]
[JsonSerializable(typeof(CategoryResponse))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
[JsonSerializable(typeof(CouponRequest))]
[JsonSerializable(typeof(CouponResponse))]
[JsonSerializable(typeof(Page<CouponResponse>))]
[JsonSerializable(typeof(RedeemPointsRequest))]
[JsonSerializable(typeof(RedemptionResponse))]
[JsonSerializable(typeof(UserRedemptions))]
[JsonSerializable(typeof(Page<RedemptionResponse>))]
[JsonSerializable(typeof(DailyRedemptionsResponse))]
[JsonSerializable(typeof(DebitRequest))]
internal sealed partial class CouponsJson : JsonSerializerContext;
