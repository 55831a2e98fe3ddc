using System.Text.Json;
using System.Text.Json.Serialization;
using Kashif.Auth.Accounts;
using Kashif.Auth.Admin;
using Kashif.Auth.ApiKeys;
using Kashif.Auth.Audit;
using Kashif.Auth.Customers;
using Kashif.Auth.Deletion;
using Kashif.Auth.EmailLinks;
using Kashif.Auth.Export;
using Kashif.Auth.Mfa;
using Kashif.Auth.Sessions;
using Kashif.Auth.Tokens;
using Kashif.Auth.Users;
using Kashif.Http;
using Kashif.Security;

namespace Kashif.Auth;

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(RegisterRequest))]
[JsonSerializable(typeof(UserResponse))]
[JsonSerializable(typeof(VerifyEmailRequest))]
[JsonSerializable(typeof(ForgotPasswordRequest))]
[JsonSerializable(typeof(ResetPasswordRequest))]
[JsonSerializable(typeof(TokenResponse))]
[JsonSerializable(typeof(RefreshRequest))]
[JsonSerializable(typeof(LogoutRequest))]
[JsonSerializable(typeof(Page<SessionResponse>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(ChangeProfileRequest))]
[JsonSerializable(typeof(ChangePasswordRequest))]
[JsonSerializable(typeof(Preferences))]
[JsonSerializable(typeof(Page<AdminUserResponse>))]
[JsonSerializable(typeof(ChangeUserRequest))]
[JsonSerializable(typeof(Page<AuditEntryResponse>))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(BeginTotpRequest))]
[JsonSerializable(typeof(ConfirmTotpRequest))]
[JsonSerializable(typeof(SecondFactorRequest))]
[JsonSerializable(typeof(TotpResponse))]
[JsonSerializable(typeof(RecoveryCodesResponse))]
[JsonSerializable(typeof(JwksResponse))]
[JsonSerializable(typeof(DiscoveryResponse))]
[JsonSerializable(typeof(RotateKeysRequest))]
[JsonSerializable(typeof(DeleteAccountRequest))]
[JsonSerializable(typeof(DeletionResponse))]
[JsonSerializable(typeof(ExportResponse))]
[JsonSerializable(typeof(CreateApiKeyRequest))]
[JsonSerializable(typeof(CreatedApiKeyResponse))]
[JsonSerializable(typeof(Page<ApiKeyResponse>))]
[JsonSerializable(typeof(ExchangeApiKeyRequest))]
[JsonSerializable(typeof(RotatedKeyResponse))]
[JsonSerializable(typeof(CreateCustomerRequest))]
[JsonSerializable(typeof(ChangeCustomerRequest))]
[JsonSerializable(typeof(InviteCustomerRequest))]
[JsonSerializable(typeof(TakeOverRequest))]
[JsonSerializable(typeof(CustomerResponse))]
[JsonSerializable(typeof(Page<CustomerResponse>))]
internal sealed partial class AuthJson : JsonSerializerContext;
