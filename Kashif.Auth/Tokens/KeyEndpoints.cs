using System.Security.Claims;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.Tokens;

/// <summary>Why the key is rotated.</summary>
/// <param name="Emergency" example="false">True if a key has leaked: all present keys and their access tokens become invalid at once.</param>
public sealed record RotateKeysRequest(bool Emergency = false);

/// <summary>The next signing key.</summary>
/// <param name="KeyId" example="0198f0a0111170008000000000000001">The id of the new key.</param>
/// <param name="ActiveFrom">When the key starts to sign. It is already published.</param>
internal sealed record RotatedKeyResponse(string KeyId, DateTimeOffset ActiveFrom);

internal static class KeyEndpoints
{
    /// <summary>The operator's commands <c>rotate-keys</c> and <c>rotate-keys emergency</c>.</summary>
    public static IServiceCollection AddKeyCommands(this IServiceCollection services) => services
        .AddCommand("rotate-keys", (provider, cancellationToken) => RunAsync(provider, RotationReason.Request, cancellationToken))
        .AddCommand("rotate-keys emergency", (provider, cancellationToken) => RunAsync(provider, RotationReason.Emergency, cancellationToken));

    public static RouteGroupBuilder MapKeys(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/keys").WithTags("Keys").RequireAuthorization(Policies.Admin, Policies.Session);
        group.MapPost("/rotate", RotateAsync).WithName("RotateKeys").WithSummary("Rotate the signing key")
            .WithDescription("Returns the pending key if one is published but does not sign yet.");
        return group;
    }

    private static async Task<Ok<RotatedKeyResponse>> RotateAsync(
        RotateKeysRequest request, ClaimsPrincipal caller, KeyRotation rotation, CancellationToken cancellationToken)
    {
        var key = await rotation.RotateAsync(request.Emergency ? RotationReason.Emergency : RotationReason.Request, caller.UserId, cancellationToken);
        return TypedResults.Ok(new RotatedKeyResponse(key.Id, key.ActiveFrom));
    }

    private static async Task RunAsync(IServiceProvider services, RotationReason reason, CancellationToken cancellationToken)
    {
        await using var scope = services.CreateAsyncScope();
        var key = await scope.ServiceProvider.GetRequiredService<KeyRotation>().RotateAsync(reason, admin: null, cancellationToken);
        await Console.Out.WriteLineAsync($"{key.Id} signs from {key.ActiveFrom:u}");
    }
}
