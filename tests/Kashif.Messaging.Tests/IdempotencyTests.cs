using System.Net;
using System.Net.Http.Json;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Messaging.Tests;

/// <summary>One key has one effect and one response.</summary>
public sealed class IdempotencyTests(MessagingServers servers) : SampleServiceTests(servers)
{
    [Fact]
    public async Task Twenty_concurrent_posts_with_one_key_create_one_note()
    {
        var user = Guid.CreateVersion7();
        using var client = Service.As(user);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => PostAsync(client, "one", "parallel")));

        answers.ShouldAllBe(answer => answer.Status == HttpStatusCode.Created || answer.Status == HttpStatusCode.Conflict);
        answers.Where(answer => answer.Status == HttpStatusCode.Created).Select(answer => answer.Body).Distinct().ShouldHaveSingleItem();
        (await NotesAsync(user)).ShouldBe(1);
    }

    [Fact]
    public async Task A_replay_returns_the_first_response_and_a_header()
    {
        var user = Guid.CreateVersion7();
        using var client = Service.As(user);

        var first = await PostAsync(client, "again", "replayed");
        var second = await PostAsync(client, "again", "replayed");

        first.Replayed.ShouldBeFalse();
        second.Replayed.ShouldBeTrue();
        second.Status.ShouldBe(HttpStatusCode.Created);
        second.Body.ShouldBe(first.Body);
        first.Location.ShouldNotBeNull();
        second.Location.ShouldBe(first.Location);
        (await NotesAsync(user)).ShouldBe(1);
    }

    [Fact]
    public async Task A_handler_without_a_unit_of_work_fails_with_and_without_a_key()
    {
        using var client = Service.As(Guid.CreateVersion7());

        (await PostAsync(client, "forgotten", "forgotten")).Status.ShouldBe(HttpStatusCode.InternalServerError);
        using var withoutKey = await client.PostAsJsonAsync("/api/v1/notes", new { title = "forgotten", latitude = 1.0 }, TestContext.Current.CancellationToken);
        withoutKey.StatusCode.ShouldBe(HttpStatusCode.InternalServerError);
    }

    [Fact]
    public async Task Another_body_with_the_same_key_returns_422()
    {
        using var client = Service.As(Guid.CreateVersion7());

        await PostAsync(client, "reused", "first");
        var second = await PostAsync(client, "reused", "second");

        second.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        second.Body.ShouldContain("idempotency_key_reused");
    }

    [Theory]
    [InlineData("/api/v1/notes/")]
    [InlineData("/API/v1/Notes")]
    [InlineData("/api/v1/n%6Ftes")]
    public async Task Another_spelling_of_the_path_is_the_same_route(string path)
    {
        var user = Guid.CreateVersion7();
        using var client = Service.As(user);

        var first = await PostAsync(client, "spelled", "same");
        var second = await PostAsync(client, "spelled", "same", path);

        second.Replayed.ShouldBeTrue();
        second.Body.ShouldBe(first.Body);
        (await NotesAsync(user)).ShouldBe(1);
    }

    [Fact]
    public async Task A_key_belongs_to_its_user()
    {
        using var one = Service.As(Guid.CreateVersion7());
        using var other = Service.As(Guid.CreateVersion7());

        var first = await PostAsync(one, "shared", "same");
        var second = await PostAsync(other, "shared", "same");

        second.Status.ShouldBe(HttpStatusCode.Created);
        second.Replayed.ShouldBeFalse();
        second.Body.ShouldNotBe(first.Body);
    }

    [Fact]
    public async Task A_rejected_request_releases_its_key()
    {
        using var client = Service.As(Guid.CreateVersion7());

        var first = await PostAsync(client, "free", NoteEndpoints.Refused);
        var second = await PostAsync(client, "free", "accepted");

        first.Status.ShouldBe(HttpStatusCode.UnprocessableEntity);
        second.Status.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task The_key_of_a_crashed_request_is_usable_after_its_claim_expires()
    {
        var user = Guid.CreateVersion7();
        using var client = Service.As(user);
        await PostAsync(client, "dead", "died");

        // After a crash, the key is claimed and has no response.
        await Service.WithDbAsync(database => database.Database.ExecuteSqlAsync($"UPDATE idempotency_keys SET status = NULL WHERE user_id = {user}"));
        var running = await PostAsync(client, "dead", "died");
        await Service.WithDbAsync(database => database.Database.ExecuteSqlAsync($"UPDATE idempotency_keys SET claimed_until = now() - interval '1 second' WHERE user_id = {user}"));
        var next = await PostAsync(client, "dead", "died");

        running.Status.ShouldBe(HttpStatusCode.Conflict);
        running.Body.ShouldContain("request_in_progress");
        next.Status.ShouldBe(HttpStatusCode.Created);
        next.Replayed.ShouldBeFalse();
    }

    /// <remarks>A blank key would be one key for every request that sends it.</remarks>
    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("two, keys")]
    [InlineData("a key")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
    public async Task An_invalid_key_returns_400_with_the_header_name(string key)
    {
        using var client = Service.As(Guid.CreateVersion7());

        var answer = await PostAsync(client, key, "invalid");

        answer.Status.ShouldBe(HttpStatusCode.BadRequest);
        answer.Body.ShouldContain("Idempotency-Key");
    }

    private Task<int> NotesAsync(Guid user) => Service.WithDbAsync(database => database.Notes.CountAsync(note => note.UserId == user));

    private static async Task<(HttpStatusCode Status, string Body, bool Replayed, Uri? Location)> PostAsync(
        HttpClient client, string key, string title, string path = "/api/v1/notes")
    {
        var address = new Uri($"{client.BaseAddress?.GetLeftPart(UriPartial.Authority)}{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = JsonContent.Create(new { title, latitude = 1 }) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key).ShouldBeTrue();
        using var response = await client.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers.Contains("Idempotency-Replayed"), response.Headers.Location);
    }
}
