using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using RabbitMQ.Client.Exceptions;

namespace Kashif.Messaging.DeadLetters;

/// <summary>The filters of dead letters.</summary>
public sealed class DeadLetterQuery
{
    /// <summary>Only events of this type; <c>unreadable</c> for messages that are no events.</summary>
    /// <example>report.created</example>
    [FromQuery(Name = "type"), Text(100)]
    public string? Type { get; set; }

    /// <summary>Only failures with this exception.</summary>
    /// <example>InvalidOperationException</example>
    [FromQuery(Name = "exception"), Text(200)]
    public string? Exception { get; set; }

    /// <summary>Only this dead letter, or this event.</summary>
    [FromQuery(Name = "id")]
    public Guid? Id { get; set; }
}

/// <summary>A message that failed for good.</summary>
/// <param name="Id">The dead letter's id.</param>
/// <param name="EventId">The event's id; null for a message that is no event.</param>
/// <param name="Type" example="report.created">The event's type; <c>unreadable</c> for a message that is no event.</param>
/// <param name="Exception" example="InvalidOperationException">The exception of the last try, or the broker's reason.</param>
/// <param name="Reason" example="InvalidOperationException: The category does not exist.">The exception with its message.</param>
/// <param name="Tries" example="5">How often it was tried.</param>
/// <param name="FailedAt">When the last try failed.</param>
/// <param name="Data" example='{"report_id": "0198f0a0-1111-7000-8000-000000000001", "title": "A deep hole"}'>The event's data; secrets are replaced by <c>***</c>. Null for a message that is no event.</param>
internal sealed record DeadLetterResponse(
    Guid Id, Guid? EventId, string Type, string Exception, string Reason, int Tries, DateTimeOffset FailedAt, JsonObject? Data);

/// <summary>Which dead letters to replay. Without a filter, all.</summary>
/// <param name="Type" example="report.created">Only events of this type.</param>
/// <param name="Exception" example="InvalidOperationException">Only failures with this exception.</param>
public sealed record ReplayRequest([Text(100)] string? Type = null, [Text(200)] string? Exception = null);

/// <summary>How to replay one dead letter.</summary>
/// <param name="Data" example='{"title": "A deep hole"}'>Members of the event's data to replace; the others stay. Null: as it is.</param>
public sealed record ReplayOneRequest(JsonElement? Data = null);

/// <summary>The result of a replay.</summary>
/// <param name="Replayed" example="3">How many dead letters were moved into the service's queue.</param>
/// <param name="Remaining" example="0">How many of the oldest 10,000 dead letters still match. Repeat the request to move them.</param>
internal sealed record ReplayResponse(int Replayed, int Remaining);

/// <summary>The API of a service's dead letters, for admins.</summary>
public static class DeadLetterEndpoints
{
    private static Error BrokerUnavailable { get; } = Error.Unavailable("broker_unavailable", "The message broker is unavailable. Try again later.");

    private static Error Missing { get; } = Error.NotFound("Dead letter not found.");

    /// <summary>Maps <c>/admin/dead-letters</c> below the area's path, for a service that consumes events.</summary>
    /// <param name="area">Such as <c>/api/v1/reports</c>.</param>
    /// <param name="name">The service's name in the operations' names.</param>
    public static void MapDeadLetters(this IEndpointRouteBuilder endpoints, string area, string name)
    {
        var group = endpoints.MapGroup($"{area}/admin/dead-letters").WithTags("Dead letters")
            .RequireAuthorization(Policies.Session).RequireAuthorization(Policies.Admin).WithProblems(503, "broker_unavailable")
            .AddEndpointFilter(async (invocation, next) =>
            {
                try
                {
                    return await next(invocation);
                }
                catch (Exception exception) when (exception is RabbitMQClientException or BrokerUnreachableException)
                {
                    return BrokerUnavailable.ToProblem();
                }
            });
        group.MapGet("/", ListAsync).WithName($"List{name}DeadLetters").WithSummary($"List dead letters of {name}")
            .WithDescription($"Messages that failed at their last try, oldest first. At most the oldest {DeadLetterQueue.MaxRead} are looked at.");
        group.MapPost("/replay", ReplayAsync).WithName($"Replay{name}DeadLetters").WithSummary($"Replay dead letters of {name}")
            .WithDescription($"Moves the dead letters that match into the service's queue, with all their tries ahead of them: the oldest {DeadLetterQueue.MaxReplay} at most. Repeat it while some remain. The audit log records it.");
        group.MapPost("/{id:guid}/replay", ReplayOneAsync).WithName($"Replay{name}DeadLetter").WithSummary($"Replay a dead letter of {name}")
            .WithDescription("Moves it into the service's queue, edited if `data` is given. The audit log records it.")
            .WithProblems(404, "not_found");
    }

    private static async Task<Results<Ok<Page<DeadLetterResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] DeadLetterQuery query, [AsParameters] PageRequest page, DeadLetterQueue letters, CancellationToken cancellationToken)
    {
        var (failedAt, id) = (DateTimeOffset.MinValue, Guid.Empty);
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out failedAt, out id))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var found = await letters.ListAsync(new DeadLetterFilter(query.Type, query.Exception, query.Id), cancellationToken);
        var rows = found.OrderBy(letter => letter.FailedAt).ThenBy(letter => letter.Id)
            .Where(letter => page.Cursor is null || (letter.FailedAt, letter.Id).CompareTo((failedAt, id)) > 0)
            .Take(page.Size + 1).ToList();
        return TypedResults.Ok(Page.Of(rows, page.Size, Shown, last => Cursor.Encode(last.FailedAt, last.Id)));
    }

    private static async Task<Ok<ReplayResponse>> ReplayAsync(
        ReplayRequest request, ClaimsPrincipal caller, DeadLetterQueue letters, CancellationToken cancellationToken)
    {
        var (replayed, remaining) = await letters.ReplayAsync(
            new DeadLetterFilter(request.Type, request.Exception), changes: null, caller.UserId, cancellationToken);
        return TypedResults.Ok(new ReplayResponse(replayed, remaining));
    }

    /// <param name="id">The dead letter's id, or its event's.</param>
    private static async Task<Results<Ok<ReplayResponse>, ProblemHttpResult, ValidationProblem>> ReplayOneAsync(
        Guid id, ReplayOneRequest request, ClaimsPrincipal caller, DeadLetterQueue letters, CancellationToken cancellationToken)
    {
        if (request.Data is { ValueKind: not JsonValueKind.Object })
        {
            return Error.Field("data", "Must be an object.");
        }

        try
        {
            var (replayed, remaining) = await letters.ReplayAsync(new DeadLetterFilter(Id: id), request.Data, caller.UserId, cancellationToken);
            return replayed == 0 ? Missing.ToProblem() : TypedResults.Ok(new ReplayResponse(replayed, remaining));
        }
        catch (JsonException)
        {
            return Error.Field("data", "These members do not fit the event's type.");
        }
    }

    private static DeadLetterResponse Shown(DeadLetter letter) =>
        new(letter.Id, letter.Event?.Id, letter.Type, letter.Exception, letter.Reason, letter.Tries, letter.FailedAt, letter.ShownData());
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(UtcInstantConverter)])]
[JsonSerializable(typeof(Page<DeadLetterResponse>))]
[JsonSerializable(typeof(ReplayRequest))]
[JsonSerializable(typeof(ReplayOneRequest))]
[JsonSerializable(typeof(ReplayResponse))]
internal sealed partial class DeadLettersJson : JsonSerializerContext;
