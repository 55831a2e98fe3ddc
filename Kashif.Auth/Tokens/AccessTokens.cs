using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kashif.Auth.ApiKeys;
using Kashif.Security;
using Microsoft.Extensions.Options;

namespace Kashif.Auth.Tokens;

/// <summary>Issues access tokens: JWTs (RFC 9068) that say who and what roles, and nothing personal.</summary>
internal sealed class AccessTokens(SigningKeyCache keys, IOptions<AuthOptions> options, TimeProvider time)
{
    private const int SignatureSize = 64;

    /// <summary>The gateway fetches another one long before.</summary>
    private static readonly TimeSpan ApiKeyTokenLifetime = TimeSpan.FromMinutes(1);

    /// <summary>A token is never part of a page: <c>+</c> may stay <c>+</c>.</summary>
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A person's token, in a session.</summary>
    public TokenResponse ForUser(Guid userId, IEnumerable<string> roles, Guid session, string refreshToken) =>
        new(Issue(userId.ToString(), roles, options.Value.AccessTokenLifetime, session), refreshToken, Seconds(options.Value.AccessTokenLifetime));

    /// <summary>Another service's token. It is not refreshed: the service asks again.</summary>
    public TokenResponse ForService(string clientId) =>
        new(Issue(clientId, [Roles.Service], options.Value.ServiceTokenLifetime), RefreshToken: null, Seconds(options.Value.ServiceTokenLifetime));

    /// <summary>The token that a program gets for its API key: its owner's roles, within the key's scopes, and in no session.</summary>
    public TokenResponse ForApiKey(ApiKey key, IEnumerable<string> roles) =>
        new(
            Issue(key.UserId.ToString(), roles, ApiKeyTokenLifetime, apiKey: key),
            RefreshToken: null,
            Seconds(ApiKeyTokenLifetime));

    private string Issue(string subject, IEnumerable<string> roles, TimeSpan lifetime, Guid? session = null, ApiKey? apiKey = null)
    {
        var now = time.GetUtcNow();
        var key = keys.Current;
        var token = new StringBuilder()
            .Append(Part(json =>
            {
                json.WriteString("alg", "ES256");
                json.WriteString("typ", "at+jwt");
                json.WriteString("kid", key.KeyId);
            }))
            .Append('.')
            .Append(Part(json =>
            {
                json.WriteString("iss", options.Value.Issuer);
                json.WriteString("aud", KashifClaims.Audience);
                json.WriteString(KashifClaims.Subject, subject);
                json.WriteString("jti", Guid.CreateVersion7(now));
                json.WriteNumber("iat", now.ToUnixTimeSeconds());
                json.WriteNumber("exp", (now + lifetime).ToUnixTimeSeconds());
                if (session is { } id)
                {
                    json.WriteString(KashifClaims.Session, id);
                }

                if (apiKey is not null)
                {
                    json.WriteString(KashifClaims.ApiKey, apiKey.Id);
                    json.WriteString(KashifClaims.Scope, string.Join(' ', apiKey.Scopes));
                }

                json.WriteStartArray(KashifClaims.Role);
                foreach (var role in roles)
                {
                    json.WriteStringValue(role);
                }

                json.WriteEndArray();
            }));

        Span<byte> signature = stackalloc byte[SignatureSize];
        key.Sign(Encoding.ASCII.GetBytes(token.ToString()), signature);
        return token.Append('.').Append(Base64Url.EncodeToString(signature)).ToString();
    }

    private static string Part(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Base64Url.EncodeToString(buffer.WrittenSpan);
    }

    private static int Seconds(TimeSpan lifetime) => (int)lifetime.TotalSeconds;
}
