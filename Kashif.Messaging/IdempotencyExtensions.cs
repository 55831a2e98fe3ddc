using Kashif.Http;
using Kashif.Messaging.Idempotency;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Messaging;

/// <summary>Opens an endpoint to idempotency keys.</summary>
public static class IdempotencyExtensions
{
    private static readonly RequestHeader Documentation = new(
        IdempotencyHeaders.Key,
        "Makes the call safe to repeat: the same key gets the first answer again, for 7 days.",
        IdempotencyKey.MaxLength,
        "3f8d6f0e-1c51-4d39-9a0e-1f7f6f1f3f1c");

    /// <summary>Accepts <c>Idempotency-Key</c>. The handler commits through <see cref="UnitOfWork"/>.</summary>
    public static RouteHandlerBuilder WithIdempotency(this RouteHandlerBuilder builder) => builder
        .WithMetadata(Documentation)
        .WithProblems(StatusCodes.Status409Conflict, "request_in_progress", "conflict")
        .WithProblems(StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused")
        .AddEndpointFilter(async (invocation, next) =>
        {
            var context = invocation.HttpContext;
            var key = context.RequestServices.GetRequiredService<IdempotencyKey>();
            var work = context.RequestServices.GetRequiredService<UnitOfWork>();
            if (context.Request.Headers.ContainsKey(IdempotencyHeaders.Key) && await key.ClaimAsync(context) is { } answer)
            {
                return answer;
            }

            try
            {
                var result = await next(invocation);
                if (IsSuccess(result) && !work.IsCommitted)
                {
                    throw new InvalidOperationException($"{context.GetEndpoint()} answers success without {nameof(UnitOfWork)}.{nameof(UnitOfWork.CommitAsync)}.");
                }

                return result;
            }
            finally
            {
                if (!work.IsCommitted)
                {
                    await key.ReleaseAsync();
                }
            }
        });

    private static bool IsSuccess(object? result) => result switch
    {
        INestedHttpResult nested => IsSuccess(nested.Result),
        IStatusCodeHttpResult { StatusCode: { } status } => status < StatusCodes.Status300MultipleChoices,
        _ => true,
    };
}
