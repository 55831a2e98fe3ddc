using System.Security.Claims;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kashif.Auth.Tokens;

/// <param name="Emergency">The present keys are in wrong hands: they end at once, and every token with them.</param>
public sealed record RotateKeysRequest(bool Emergency = false);

/// <param name="ActiveFrom">When it begins to sign; it is published already.</param>
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
        group.MapPost("/rotate", RotateAsync).WithName("RotateKeys").WithSummary("Makes a new signing key, unless one waits for its time already");
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
