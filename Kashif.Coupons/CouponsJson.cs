using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Coupons.Catalog;
using Kashif.Coupons.Codes;
using Kashif.Coupons.Partners;
using Kashif.Coupons.Points;
using Kashif.Coupons.Redemptions;
using Kashif.Coupons.Shop;
using Kashif.Coupons.Reports;
using Kashif.Http;
using Kashif.Security;

namespace Kashif.Coupons;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(BalanceResponse))]
[JsonSerializable(typeof(Page<AreaResponse>))]
[JsonSerializable(typeof(CompanyRequest))]
[JsonSerializable(typeof(CompanyResponse))]
[JsonSerializable(typeof(Page<CompanyResponse>))]
[JsonSerializable(typeof(PartnerResponse))]
[JsonSerializable(typeof(Page<PartnerResponse>))]
[JsonSerializable(typeof(CategoryRequest))]
[JsonSerializable(typeof(CategoryResponse))]
[JsonSerializable(typeof(Page<CategoryResponse>))]
[JsonSerializable(typeof(ChangeCompanyRequest))]
[JsonSerializable(typeof(CouponRequest))]
[JsonSerializable(typeof(ChangeCouponRequest))]
[JsonSerializable(typeof(RestockRequest))]
[JsonSerializable(typeof(CouponResponse))]
[JsonSerializable(typeof(Page<CouponResponse>))]
[JsonSerializable(typeof(Page<CouponMovementResponse>))]
[JsonSerializable(typeof(GenerateCodesRequest))]
[JsonSerializable(typeof(CodesResponse))]
[JsonSerializable(typeof(RedeemPointsRequest))]
[JsonSerializable(typeof(RedemptionResponse))]
[JsonSerializable(typeof(UserData))]
[JsonSerializable(typeof(Page<RedemptionResponse>))]
[JsonSerializable(typeof(Page<CompanyRedemptionResponse>))]
[JsonSerializable(typeof(CompanyFigures))]
[JsonSerializable(typeof(ValidationResponse))]
[JsonSerializable(typeof(UseCodeRequest))]
[JsonSerializable(typeof(UsedResponse))]
[JsonSerializable(typeof(CodeValidationResponse))]
[JsonSerializable(typeof(SignedCodeResponse))]
[JsonSerializable(typeof(JwksResponse))]
[JsonSerializable(typeof(DailyRedemptionsResponse))]
[JsonSerializable(typeof(DebitRequest))]
[JsonSerializable(typeof(ProductRequest))]
[JsonSerializable(typeof(ProductChange))]
[JsonSerializable(typeof(ProductResponse))]
[JsonSerializable(typeof(Page<ProductResponse>))]
[JsonSerializable(typeof(AdjustmentRequest))]
[JsonSerializable(typeof(InventoryResponse))]
[JsonSerializable(typeof(Page<ProductMovementResponse>))]
[JsonSerializable(typeof(Address))]
[JsonSerializable(typeof(OrderRequest))]
[JsonSerializable(typeof(OrderStatusRequest))]
[JsonSerializable(typeof(OrderResponse))]
[JsonSerializable(typeof(Page<OrderResponse>))]
[JsonSerializable(typeof(Page<PaymentResponse>))]
internal sealed partial class CouponsJson : JsonSerializerContext;
