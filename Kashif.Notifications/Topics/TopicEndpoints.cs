using Kashif.Http;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Topics;

/// <summary>A topic that the user follows.</summary>
/// <param name="Topic" example="road-works">Its name.</param>
internal sealed record TopicResponse(string Topic);

/// <summary>The topics that a user follows.</summary>
internal static class TopicEndpoints
{
    private static Error TooMany { get; } = Error.Rule("too_many_topics", "You follow 100 topics. Leave one first.");

    private static Error NotFollowed { get; } = Error.NotFound("You do not follow this topic.");

    public static void MapTopics(this IEndpointRouteBuilder endpoints)
    {
        var topics = endpoints.MapGroup($"{NotificationsExtensions.Root}/topics").WithTags("Topics").RequireAuthorization();
        topics.MapGet("/", ListAsync).WithName("ListTopics").WithSummary("List the topics that I follow");
        topics.MapPost("/{topic}/subscription", SubscribeAsync).WithIdempotency().WithName("SubscribeToTopic").WithSummary("Follow a topic")
            .WithDescription($"Messages to the topic then come to you too. At most {TopicSubscription.MaxPerUser} topics. Every user gets the messages of the topic `{TopicSubscription.All}`.")
            .WithProblems(400, "invalid_request").WithProblems(422, "too_many_topics");
        topics.MapDelete("/{topic}/subscription", UnsubscribeAsync).WithName("UnsubscribeFromTopic").WithSummary("Leave a topic").WithProblems(404, "not_found");
    }

    private static async Task<Results<Ok<Page<TopicResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var after = "";
        if (page.Cursor is { } cursor && !(Cursor.TryDecode(cursor, out after) && TopicSubscription.IsTopic(after)))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var user = http.User.UserId;
        var topics = await database.TopicSubscriptions.Where(subscription => subscription.UserId == user && string.Compare(subscription.Topic, after) > 0)
            .OrderBy(subscription => subscription.Topic).Take(page.Size + 1).Select(subscription => subscription.Topic).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(topics, page.Size, topic => new TopicResponse(topic), Cursor.Encode));
    }

    /// <param name="topic" example="road-works">The topic's name.</param>
    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> SubscribeAsync(
        string topic, HttpContext http, NotificationsDbContext database, UnitOfWork work, CancellationToken cancellationToken)
    {
        if (!TopicSubscription.IsTopic(topic) || topic == TopicSubscription.All)
        {
            return Error.Field("topic", topic == TopicSubscription.All ? "Every user is in this topic." : TopicSubscription.Invalid);
        }

        var user = http.User.UserId;
        await using var transaction = await work.BeginAsync(cancellationToken);

        // One request of a user at a time, so that the count is exact.
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({user.ToString()}, 2))", cancellationToken);
        var others = database.TopicSubscriptions.Where(subscription => subscription.UserId == user && subscription.Topic != topic);
        if (await others.CountAsync(cancellationToken) >= TopicSubscription.MaxPerUser)
        {
            return TooMany.ToProblem();
        }

        await database.Database.ExecuteSqlAsync($"INSERT INTO topic_subscriptions (topic, user_id) VALUES ({topic}, {user}) ON CONFLICT DO NOTHING", cancellationToken);
        return await work.CommitAsync(TypedResults.NoContent(), cancellationToken);
    }

    /// <param name="topic" example="road-works">The topic's name.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> UnsubscribeAsync(
        string topic, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        var left = await database.TopicSubscriptions.Where(subscription => subscription.Topic == topic && subscription.UserId == user).ExecuteDeleteAsync(cancellationToken);
        return left == 1 ? TypedResults.NoContent() : NotFollowed.ToProblem();
    }
}
