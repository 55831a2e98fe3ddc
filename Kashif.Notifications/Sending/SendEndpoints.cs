using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Json;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Notifications.Delivery;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;
using Kashif.Security;
using Kashif.Validation;
using Kashif.Notifications.Topics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Sending;

/// <summary>A message to a user or to a topic.</summary>
/// <param name="NotificationType">The channel on which to send it; it is in the inbox too.</param>
/// <param name="TemplateCode" example="points.awarded">The template of its text.</param>
/// <param name="RequestId" example="campaign-2026-17">Your name for it. Repeated within 7 days, it sends nothing again and returns the same response.</param>
/// <param name="UserId">The user; leave it out for a topic.</param>
/// <param name="Topic" example="null">The topic; <c>all</c> is every user. Leave it out for a user.</param>
/// <param name="Variables" example='{"points": 10, "balance": 60}'>The template's variables.</param>
/// <param name="Priority">Higher priorities are delivered first.</param>
/// <param name="SendAt" example="null">When to send it, within a year; null: now.</param>
/// <param name="ExpiresAt" example="null">From when on it is not delivered, within a year and after <c>send_at</c>; it stays in the inbox.</param>
public sealed record SendNotificationRequest(
    DeliveryChannel NotificationType,
    [property: Identifier(100)] string TemplateCode,
    [property: Identifier(SendRequest.MaxRequestIdLength)] string RequestId,
    Guid? UserId = null,
    string? Topic = null,
    JsonElement? Variables = null,
    Priority Priority = Priority.Normal,
    DateTimeOffset? SendAt = null,
    DateTimeOffset? ExpiresAt = null);

/// <summary>An accepted message.</summary>
/// <param name="Id">Its id, to follow its deliveries or to cancel it.</param>
/// <param name="Status">What has become of it so far.</param>
internal sealed record SendResponse(Guid Id, [property: Values(typeof(SendStatus))] string Status);

/// <summary>The delivery of a message to one device or address.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="State">Sent means accepted by FCM or the mail server, which confirm no arrival.</param>
/// <param name="Attempts" example="1">How often it was tried.</param>
/// <param name="ProviderId" example="projects/kashif/messages/0:1500415314455276">FCM's message name, or the mail's Message-ID; null before it is sent.</param>
/// <param name="Error" example="null">Why the last attempt failed.</param>
/// <param name="At">When the last attempt ended; before that, when it was queued.</param>
internal sealed record DeliveryResponse(
    DeliveryChannel Channel, [property: Values(typeof(DeliveryState))] string State, int Attempts, string? ProviderId, string? Error, DateTimeOffset At);

/// <summary>Sending messages: below the public path for admins, and below <c>/internal</c> for services.</summary>
internal static class SendEndpoints
{
    private const int MaxVariablesLength = 8 * 1024;
    private static readonly TimeSpan Furthest = TimeSpan.FromDays(366);

    private static Error UnknownTemplate { get; } = Error.Rule("unknown_template", "There is no template with this code.");

    private static Error UnknownUser { get; } = Error.Rule("unknown_user", "There is no user with this id.");

    private static Error RequestIdReused { get; } = Error.Rule("request_id_reused", "You have sent another message with this request_id.");

    private static Error NotFound { get; } = Error.NotFound("Message not found.");

    private static Error AlreadySent { get; } = Error.Conflict("already_sent", "The message is already sent.");

    public static void MapSending(this IEndpointRouteBuilder endpoints)
    {
        Map(endpoints.MapGroup(NotificationsExtensions.Root).WithTags("Sending").RequireAuthorization(Policies.Admin), "").WithIdempotency();
        Map(endpoints.MapGroup("/internal/v1/notifications").ExcludeFromDescription().RequireAuthorization(ServiceScopes.SendNotifications), "ByService");
    }

    /// <returns>The route that sends.</returns>
    private static RouteHandlerBuilder Map(RouteGroupBuilder group, string suffix)
    {
        var send = group.MapPost("/", SendAsync).DisableValidation().WithName($"SendNotification{suffix}").WithSummary("Send a message to a user or a topic")
            .WithDescription("Sends at once or at `send_at`. The user's preferences win: a message on a disabled channel is only in the inbox.")
            .WithProblems(422, "unknown_template", "missing_variable", "unknown_user", "request_id_reused");
        group.MapDelete("/scheduled/{id:guid}", CancelAsync).WithName($"CancelNotification{suffix}").WithSummary("Cancel a scheduled message of mine")
            .WithProblems(409, "already_sent");
        group.MapGet("/{id:guid}/deliveries", ListDeliveriesAsync).WithName($"ListDeliveries{suffix}").WithSummary("List the deliveries of a message");
        return send;
    }

    private static async Task<Results<Accepted<SendResponse>, ValidationProblem, ProblemHttpResult>> SendAsync(
        SendNotificationRequest request, HttpContext http, SendService sending, TemplateCatalog templates, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        var variables = request.Variables ?? JsonElement.Parse("{}");
        if (request.UserId is null == request.Topic is null)
        {
            errors.Add(request.UserId is null ? "user_id" : "topic", "Send either user_id or topic.");
        }

        errors.Add("topic", request.Topic is { } topic && !TopicSubscription.IsTopic(topic) ? TopicSubscription.Invalid : null);
        errors.Add("variables", InvalidVariables(variables));
        if (errors.ToProblem() is { } shape)
        {
            return shape;
        }

        // Before the times and the template are judged: a repetition gets its response also after they have changed.
        var command = new SendCommand(SenderOf(http.User), Fingerprint(request), request, variables);
        if (await sending.FindAsync(command, cancellationToken) is { } known)
        {
            return await AnswerAsync(known, command, work, cancellationToken);
        }

        var now = time.GetUtcNow();
        errors.Add("send_at", request.SendAt is { } sendAt ? InvalidTime(sendAt, now) : null);
        errors.Add("expires_at", request.ExpiresAt is not { } expiresAt ? null
            : expiresAt <= request.SendAt ? "Must be later than send_at." : InvalidTime(expiresAt, now));
        if (errors.ToProblem() is { } times)
        {
            return times;
        }

        await templates.FindNewAsync([request.TemplateCode], cancellationToken);
        if (templates.Find(request.TemplateCode) is not { } template)
        {
            return UnknownTemplate.ToProblem();
        }

        if (template.Missing(variables).FirstOrDefault() is { } missing)
        {
            return Error.Rule("missing_variable", Localized.Format($"The template needs the variable {missing}.")).ToProblem();
        }

        errors.Add("variables", template.Mistyped(variables).FirstOrDefault() is { } wrong ? Localized.Format($"The value of '{wrong.Name}' is not of its type.") : null);
        if (errors.ToProblem() is { } types)
        {
            return types;
        }

        await using var transaction = await work.BeginAsync(cancellationToken);
        if (template.IsOwn && !await sending.KeepTemplateAsync(template.Code, cancellationToken))
        {
            return UnknownTemplate.ToProblem(); // deleted meanwhile
        }

        if (await sending.StoreAsync(command, cancellationToken) is not { } stored)
        {
            return UnknownUser.ToProblem();
        }

        var answer = await AnswerAsync(stored, command, work, cancellationToken);
        sending.Committed(stored);
        return answer;
    }

    /// <param name="id">The message's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> CancelAsync(
        Guid id, ClaimsPrincipal caller, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var sender = SenderOf(caller);
        var own = database.SendRequests.Where(request => request.Id == id && request.Sender == sender);
        var cancelled = await own.Where(request => request.Status == SendStatus.Scheduled).ExecuteUpdateAsync(
            set => set.SetProperty(request => request.Status, SendStatus.Cancelled).SetProperty(request => request.Variables, (string?)null), cancellationToken);
        if (cancelled == 1)
        {
            return TypedResults.NoContent();
        }

        return await own.Select(request => request.Status).SingleOrDefaultAsync(cancellationToken) switch
        {
            null => NotFound.ToProblem(),
            SendStatus.Cancelled => TypedResults.NoContent(),
            _ => AlreadySent.ToProblem(),
        };
    }

    /// <param name="id">The id of the message.</param>
    private static async Task<Results<Ok<Page<DeliveryResponse>>, ValidationProblem, ProblemHttpResult>> ListDeliveriesAsync(
        Guid id, [AsParameters] PageRequest page, ClaimsPrincipal caller, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var after = 0L;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var (sender, isAdmin) = (SenderOf(caller), caller.IsInRole(Roles.Admin));
        if (!await database.SendRequests.AnyAsync(request => request.Id == id && (isAdmin || request.Sender == sender), cancellationToken))
        {
            return NotFound.ToProblem();
        }

        var rows = await database.Deliveries.AsNoTracking()
            .Where(delivery => delivery.Id > after && database.Notifications.Any(notification => notification.Id == delivery.NotificationId && notification.RequestId == id))
            .OrderBy(delivery => delivery.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size,
            row => new DeliveryResponse(
                Enum.Parse<DeliveryChannel>(row.Channel, ignoreCase: true), row.State, row.Attempts, row.ProviderId, row.LastError, row.UpdatedAt),
            last => Cursor.Encode(last.Id)));
    }

    private static string SenderOf(ClaimsPrincipal caller) =>
        caller.FindFirst(KashifClaims.Subject)?.Value ?? throw new InvalidOperationException("The policy lets no caller without a subject in.");

    private static async Task<Results<Accepted<SendResponse>, ValidationProblem, ProblemHttpResult>> AnswerAsync(
        SendRequest stored, SendCommand command, UnitOfWork work, CancellationToken cancellationToken) =>
        stored.Fingerprint.AsSpan().SequenceEqual(command.Fingerprint)
            ? await work.CommitAsync(TypedResults.Accepted((string?)null, new SendResponse(stored.Id, stored.Status)), cancellationToken)
            : RequestIdReused.ToProblem();

    private static byte[] Fingerprint(SendNotificationRequest request) =>
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, NotificationsJson.Default.SendNotificationRequest));

    private static string? InvalidTime(DateTimeOffset value, DateTimeOffset now) =>
        value <= now ? "Must be in the future." : value > now + Furthest ? "Must be within a year." : null;

    private static string? InvalidVariables(JsonElement variables) => variables.ValueKind is not JsonValueKind.Object ? "Must be an object."
        : variables.GetRawText().Length > MaxVariablesLength ? Localized.Format($"At most {MaxVariablesLength} characters.")
        : !IsStorable(variables) ? "Contains a text or a number that cannot be stored."
        : null;

    /// <summary>PostgreSQL stores no NUL, no half of a surrogate pair and no number beyond its own.</summary>
    private static bool IsStorable(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().All(member => Characters.AreText(member.Name) && IsStorable(member.Value)),
        JsonValueKind.Array => value.EnumerateArray().All(IsStorable),
        JsonValueKind.String => IsText(value),
        JsonValueKind.Number => value.TryGetDecimal(out _),
        _ => true,
    };

    private static bool IsText(JsonElement value)
    {
        try
        {
            return Characters.AreText(value.GetString());
        }
        catch (InvalidOperationException)
        {
            return false; // half of a surrogate pair
        }
    }
}
