using Kashif.Security;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Kashif.Auth.Tokens;

/// <summary>Issues access tokens: JWTs (RFC 9068) with a subject and roles, and no personal data.</summary>
internal sealed class AccessTokens(SigningKeyCache keys, IOptions<AuthOptions> options, TimeProvider time)
{
    /// <summary>The gateway exchanges a key again after ten seconds.</summary>
    private static readonly TimeSpan ApiKeyTokenLifetime = TimeSpan.FromMinutes(1);

    /// <summary>A user's token, in a session.</summary>
    public TokenResponse ForUser(Guid userId, IEnumerable<string> roles, Guid session, string refreshToken)
    {
        var lifetime = options.Value.AccessTokenLifetime;
        return Response(Issue(userId.ToString(), roles, lifetime, (KashifClaims.Session, session.ToString())), refreshToken, lifetime);
    }

    /// <summary>A service's token, without a refresh token: the service asks again.</summary>
    public TokenResponse ForService(string clientId, IEnumerable<string> scopes)
    {
        var lifetime = options.Value.ServiceTokenLifetime;
        return Response(Issue(clientId, [Roles.Service], lifetime, (KashifClaims.Scope, string.Join(' ', scopes))), refreshToken: null, lifetime);
    }

    /// <summary>A token for an API key: the owner's roles, limited to the key's scopes, in no session.</summary>
    public TokenResponse ForApiKey(Guid keyId, Guid ownerId, IEnumerable<string> roles, IEnumerable<string> scopes)
    {
        var token = Issue(
            ownerId.ToString(), roles, ApiKeyTokenLifetime,
            (KashifClaims.ApiKey, keyId.ToString()), (KashifClaims.Scope, string.Join(' ', scopes)));
        return Response(token, refreshToken: null, ApiKeyTokenLifetime);
    }

    private string Issue(string subject, IEnumerable<string> roles, TimeSpan lifetime, params ReadOnlySpan<(string Name, string Value)> claims)
    {
        var now = time.GetUtcNow();
        var all = new Dictionary<string, object>
        {
            [KashifClaims.Subject] = subject,
            ["jti"] = Guid.CreateVersion7(now).ToString(),
            [KashifClaims.Role] = roles.ToArray(),
        };
        foreach (var (name, value) in claims)
        {
            all[name] = value;
        }

        return keys.Current.Sign(new SecurityTokenDescriptor
        {
            TokenType = "at+jwt",
            Issuer = options.Value.Issuer,
            Audience = KashifClaims.Audience,
            IssuedAt = now.UtcDateTime,
            Expires = (now + lifetime).UtcDateTime,
            Claims = all,
        });
    }

    private static TokenResponse Response(string accessToken, string? refreshToken, TimeSpan lifetime) => new(accessToken, refreshToken, (int)lifetime.TotalSeconds);
}
