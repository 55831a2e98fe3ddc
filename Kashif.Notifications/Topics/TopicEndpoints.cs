using Kashif.Http;
using Kashif.Notifications.Data;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Topics;

/// <summary>The topics that a user follows.</summary>
internal static class TopicEndpoints
{
    private static Error TooMany { get; } = Error.Rule("too_many_topics", "You follow 100 topics. Leave one first.");

    private static Error NotFollowed { get; } = Error.NotFound("You do not follow this topic.");

    public static void MapTopics(this IEndpointRouteBuilder endpoints)
    {
        var topics = endpoints.MapGroup($"{NotificationsExtensions.Root}/topics/{{topic}}/subscription").WithTags("Topics").RequireAuthorization();
        topics.MapPost("/", SubscribeAsync).WithName("SubscribeToTopic").WithSummary("Follow a topic")
            .WithDescription($"Messages to the topic then come to you too. At most {TopicSubscription.MaxPerUser} topics. Every user gets the messages of the topic `{TopicSubscription.All}`.")
            .WithProblems(400, "invalid_request").WithProblems(422, "too_many_topics");
        topics.MapDelete("/", UnsubscribeAsync).WithName("UnsubscribeFromTopic").WithSummary("Leave a topic").WithProblems(404, "not_found");
    }

    /// <param name="topic" example="road-works">The topic's name.</param>
    private static async Task<Results<NoContent, ValidationProblem, ProblemHttpResult>> SubscribeAsync(
        string topic, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        if (!TopicSubscription.IsTopic(topic) || topic == TopicSubscription.All)
        {
            return Error.Field("topic", topic == TopicSubscription.All ? "Every user is in this topic." : TopicSubscription.Invalid);
        }

        var user = http.User.UserId;
        var mine = database.TopicSubscriptions.Where(subscription => subscription.UserId == user);
        if (await mine.CountAsync(subscription => subscription.Topic != topic, cancellationToken) >= TopicSubscription.MaxPerUser)
        {
            return TooMany.ToProblem();
        }

        await database.Database.ExecuteSqlAsync($"INSERT INTO topic_subscriptions (topic, user_id) VALUES ({topic}, {user}) ON CONFLICT DO NOTHING", cancellationToken);
        return TypedResults.NoContent();
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
