// Stands in for the package Microsoft.Extensions.Http.Resilience where no version of it is served; the full registry never builds it.

using Polly;

namespace Microsoft.Extensions.Http.Resilience;

internal sealed class ResilienceHandler(Func<HttpRequestMessage, ResiliencePipeline<HttpResponseMessage>> pipelineOf) : DelegatingHandler
{
    /// <summary>Tells the retry predicate what is being retried, also when an exception left no response to ask.</summary>
    public static readonly ResiliencePropertyKey<HttpMethod> Method = new("Kashif.Http.Method");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Method, request.Method);
        try
        {
            return await pipelineOf(request).ExecuteAsync(
                static async (context, state) => await state.Handler.SendInnerAsync(state.Request, context.CancellationToken),
                context,
                (Handler: this, Request: request));
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private Task<HttpResponseMessage> SendInnerAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);
}
