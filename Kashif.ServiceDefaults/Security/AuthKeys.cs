using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Security;

/// <summary>
/// Reads issuer and keys from Auth by service discovery. The discovery document's own <c>jwks_uri</c> is the public address,
/// through the gateway: for clients, not for the services behind it.
/// </summary>
internal sealed class AuthKeysRetriever : IConfigurationRetriever<OpenIdConnectConfiguration>
{
    private const string KeysPath = "jwks.json";

    /// <summary>Where Auth publishes its discovery document, as the services reach it.</summary>
    public const string Address = $"http://{ResourceNames.Auth}/api/v1/auth/.well-known/openid-configuration";

    public async Task<OpenIdConnectConfiguration> GetConfigurationAsync(string address, IDocumentRetriever retriever, CancellationToken cancel)
    {
        var configuration = OpenIdConnectConfiguration.Create(await retriever.GetDocumentAsync(address, cancel));
        var keys = new JsonWebKeySet(await retriever.GetDocumentAsync(new Uri(new Uri(address), KeysPath).AbsoluteUri, cancel));
        configuration.JsonWebKeySet = keys;
        foreach (var key in keys.GetSigningKeys())
        {
            configuration.SigningKeys.Add(key);
        }

        return configuration;
    }
}
