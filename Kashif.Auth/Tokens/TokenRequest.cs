using Kashif.Http;

namespace Kashif.Auth.Tokens;

internal static class GrantTypes
{
    public const string Password = "password";
    public const string ClientCredentials = "client_credentials";
}

/// <summary>The form of RFC 6749 sections 4.3.2 and 4.4.2. A missing field is empty (section 3.2).</summary>
/// <param name="GrantType" example="password">`password` (the default) to log a user in, or `client_credentials` for a service.</param>
/// <param name="Username" example="amina@example.org">The user's e-mail address.</param>
/// <param name="Password" example="a long enough password">The user's password.</param>
/// <param name="Otp" example="123456">A code from the authenticator app or a recovery code, if two-factor is on.</param>
/// <param name="DeviceToken" example="">The `device_token` of the last login on this device. Wrong passwords from elsewhere do not lock this device out.</param>
/// <param name="ClientId" example="">The service's name; users leave it out.</param>
/// <param name="ClientSecret" example="">The service's secret; users leave it out.</param>
internal sealed record TokenRequest(
    [property: Values(GrantTypes.Password, GrantTypes.ClientCredentials)] string GrantType = "", string Username = "", string Password = "", string Otp = "",
    string DeviceToken = "", string ClientId = "", string ClientSecret = "")
{
    public const string GrantTypeField = "grant_type";
    public const string UsernameField = "username";
    public const string PasswordField = "password";
    public const string OtpField = "otp";
    public const string DeviceTokenField = "device_token";
    public const string ClientIdField = "client_id";
    public const string ClientSecretField = "client_secret";

    /// <summary>Longer than any code, with spaces.</summary>
    public const int MaxOtpLength = 40;

    public static async ValueTask<TokenRequest> BindAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
        {
            throw new BadHttpRequestException("The token request must be a form (application/x-www-form-urlencoded).", StatusCodes.Status415UnsupportedMediaType);
        }

        IFormCollection form;
        try
        {
            form = await context.Request.ReadFormAsync(context.RequestAborted);
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            throw new BadHttpRequestException("The form could not be read.", exception); // too many fields, or U+0000
        }

        return new TokenRequest(
            Field(GrantTypeField), Field(UsernameField), Field(PasswordField), Field(OtpField), Field(DeviceTokenField), Field(ClientIdField),
            Field(ClientSecretField));

        string Field(string name) => form[name].ToString();
    }
}
