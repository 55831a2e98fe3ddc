// Stands beside Microsoft.AspNetCore.Authentication.JwtBearer 3.1, which lacks what later versions have; the full registry never
// builds it. Left out: every other member that came after 3.1 (TokenHandlers, TimeProvider, the refresh intervals).

using System.IdentityModel.Tokens.Jwt;
using Microsoft.AspNetCore.Authentication.JwtBearer;

namespace Microsoft.Extensions.DependencyInjection;

public static class JwtBearerOptionsExtensions
{
    extension(JwtBearerOptions options)
    {
        /// <summary>Whether the names of a token's claims are replaced by the long ones of WS-Federation. True by default.</summary>
        public bool MapInboundClaims
        {
            get => options.SecurityTokenValidators.OfType<JwtSecurityTokenHandler>().All(handler => handler.MapInboundClaims);
            set
            {
                foreach (var handler in options.SecurityTokenValidators.OfType<JwtSecurityTokenHandler>())
                {
                    handler.MapInboundClaims = value;
                }
            }
        }
    }
}
