using System.Net;

namespace Kashif.Registry.Tests;

/// <summary>Answers in place of the network and remembers what was asked.</summary>
internal sealed class StubHandler(Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
{
    public StubHandler(params HttpStatusCode[] answers)
        : this(Sequence(answers))
    {
    }

    public List<Uri?> Requests { get; } = [];

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add(request.RequestUri);
        return answer(request, cancellationToken);
    }

    /// <summary>One answer after the other, the last one for ever.</summary>
    private static Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> Sequence(HttpStatusCode[] answers)
    {
        var next = 0;
        return (request, _) => Task.FromResult(new HttpResponseMessage(answers[Math.Min(next++, answers.Length - 1)]) { RequestMessage = request });
    }
}
