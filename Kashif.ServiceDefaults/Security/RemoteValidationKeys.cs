using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>
/// Reads the issuer and the keys from Auth through service discovery. Does not use the <c>jwks_uri</c> of the discovery document: that is
/// the public URL through the gateway.
/// </summary>
internal sealed class RemoteValidationKeys(IHttpClientFactory clients, TimeProvider time, ILogger<RemoteValidationKeys> logger) : TokenValidationKeys(time, logger)
{
    public const string Client = "auth-keys";
    private const string WellKnown = $"https+http://{ResourceNames.Auth}/api/v1/auth/.well-known";

    /// <summary>A revoked key stays valid for this time, plus a minute in <see cref="ValidatedTokens"/>.</summary>
    protected override TimeSpan Freshness => TimeSpan.FromMinutes(1);

    protected override async Task<OpenIdConnectConfiguration> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var http = clients.CreateClient(Client);
            var configuration = OpenIdConnectConfiguration.Create(await http.GetStringAsync($"{WellKnown}/openid-configuration", cancellationToken));
            var keys = new JsonWebKeySet(await http.GetStringAsync($"{WellKnown}/jwks.json", cancellationToken));
            configuration.JsonWebKeySet = keys;
            foreach (var key in keys.GetSigningKeys())
            {
                configuration.SigningKeys.Add(key);
            }

            return configuration;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // Becomes a 503, not a 401: the token may be valid.
            throw new TimeoutException("Auth's keys could not be read.", exception);
        }
    }
}
