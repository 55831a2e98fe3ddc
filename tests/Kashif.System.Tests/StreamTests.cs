using System.Net;

namespace Kashif.SystemTests;

public sealed class StreamTests(KashifSystem system)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/api/v1/notifications/stream")]
    [InlineData("/api/notifications/stream")]
    public async Task A_notification_arrives_through_the_gateway_while_the_stream_is_open(string path)
    {
        var citizen = await system.RegisterAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{path}?since=0");
        request.Headers.Add("Accept-Encoding", "br, gzip");
        request.Headers.Add("Prefer", "envelope");
        using var response = await citizen.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (response.Content.Headers.ContentType?.MediaType).ShouldBe("text/event-stream");
        response.Content.Headers.ContentEncoding.ShouldBeEmpty();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancel));

        await UntilAsync("user.registered");
        await citizen.ReportAsync("A streamed pothole");
        await UntilAsync("A streamed pothole");

        async Task UntilAsync(string text)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            limit.CancelAfter(TimeSpan.FromMinutes(3));
            string? line;
            do
            {
                line = await reader.ReadLineAsync(limit.Token);
            }
            while (line?.Contains(text, StringComparison.Ordinal) == false);

            line.ShouldNotBeNull("The stream ended.");
        }
    }
}
