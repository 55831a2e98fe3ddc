using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>
/// Issuer and keys, read from Auth by service discovery. The discovery document's own <c>jwks_uri</c> is the public address,
/// through the gateway: for clients, not for the services behind it.
/// </summary>
internal sealed class AuthKeys(IHttpClientFactory clients, TimeProvider time, ILogger<AuthKeys> logger) : SigningKeys(time, logger)
{
    public const string Client = "auth-keys";
    private const string WellKnown = $"http://{ResourceNames.Auth}/api/v1/auth/.well-known";

    /// <summary>A withdrawn key is believed for so long, and by <see cref="ValidatedTokens"/> for a minute more.</summary>
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
            // Whoever asks gets a 503: that their token is bad is not known.
            throw new TimeoutException("Auth's keys could not be read.", exception);
        }
    }
}
