using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Assistant;

/// <summary>A question.</summary>
/// <param name="Text" example="Where is my report?">The question, in English or Arabic.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record AskRequest([property: Text(1, AssistantMessage.MaxTextLength)] string Text);

/// <summary>A question and its reply.</summary>
/// <param name="Id">The message's id.</param>
/// <param name="Text" example="Where is my report?">The question.</param>
/// <param name="Reply" example="“Deep pothole” is in progress since 28 November 2026.">The reply: in Arabic to a question in the Arabic script, else in the user's language.</param>
/// <param name="Intent">What the question is about; `open` if a language model has replied.</param>
/// <param name="Sources" example='["/api/v1/reports/0198f0a0-1111-7000-8000-000000000002"]'>The API resources that the reply is made of.</param>
/// <param name="CreatedAt">When it was asked.</param>
internal sealed record AssistantMessageResponse(
    Guid Id, string Text, string Reply, [property: Values(typeof(Intents))] string Intent, IReadOnlyList<string> Sources, DateTimeOffset CreatedAt)
{
    public static AssistantMessageResponse Of(AssistantMessage message) =>
        new(message.Id, message.Text, message.Reply, message.Intent, message.Sources, message.CreatedAt);
}

/// <summary>Questions of users about their own data.</summary>
internal static class AssistantEndpoints
{
    public static IEndpointRouteBuilder MapAssistant(this IEndpointRouteBuilder endpoints)
    {
        var messages = endpoints.MapGroup($"{NotificationsExtensions.Root}/assistant/messages").WithTags("Assistant").RequireAuthorization();
        messages.MapPost("/", AskAsync).WithIdempotency().WithName("AskAssistant").WithSummary("Ask about my reports, points, coupons and notifications")
            .WithDescription("The assistant reads what the caller may read, and changes nothing. If a service does not answer, the reply says so.");
        messages.MapGet("/", ListAsync).WithName("ListAssistantMessages").WithSummary("List my questions to the assistant, newest first");
        messages.MapDelete("/", DeleteAsync).WithName("DeleteAssistantMessages").WithSummary("Delete all my questions to the assistant");
        return messages;
    }

    private static async Task<Ok<AssistantMessageResponse>> AskAsync(
        AskRequest request, HttpContext http, NotificationsDbContext database, IEnumerable<IAssistantModel> models, UnitOfWork work, NotificationMetrics metrics,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var (user, text) = (http.User.UserId, request.Text.Trim());
        var question = new AssistantQuestion(text, await LanguageAsync(text, user, database, cancellationToken), user, http.Request.Headers.Authorization.ToString());
        var reply = await ReplyAsync(question, models, cancellationToken);
        var now = time.GetUtcNow();
        var message = new AssistantMessage
        {
            Id = TimeOrderedId.Create(now),
            UserId = user,
            Text = text,
            Reply = reply.Text,
            Intent = reply.Intent,
            Sources = reply.Sources,
            CreatedAt = now,
        };
        database.AssistantMessages.Add(message);
        var answer = await work.CommitAsync(TypedResults.Ok(AssistantMessageResponse.Of(message)), cancellationToken);
        metrics.Asked(reply.Intent);
        return answer;
    }

    private static async Task<Results<Ok<Page<AssistantMessageResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var messages = database.AssistantMessages.AsNoTracking().Where(message => message.UserId == user);
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode(cursor, out Guid before))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            messages = messages.Where(message => message.Id < before);
        }

        var rows = await messages.OrderByDescending(message => message.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, AssistantMessageResponse.Of, message => Cursor.Encode(message.Id)));
    }

    private static async Task<NoContent> DeleteAsync(HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        await database.AssistantMessages.Where(message => message.UserId == user).ExecuteDeleteAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<AssistantReply> ReplyAsync(AssistantQuestion question, IEnumerable<IAssistantModel> models, CancellationToken cancellationToken)
    {
        foreach (var model in models)
        {
            if (await model.AnswerAsync(question, cancellationToken) is { } reply)
            {
                return reply;
            }
        }

        return RuleModel.Unknown(question);
    }

    private static async Task<string> LanguageAsync(string text, Guid user, NotificationsDbContext database, CancellationToken cancellationToken) =>
        QuestionWords.IsArabic(text)
            ? Languages.Arabic
            : await NotificationEndpoints.Language(database, user).SingleOrDefaultAsync(cancellationToken) ?? Languages.English;
}
