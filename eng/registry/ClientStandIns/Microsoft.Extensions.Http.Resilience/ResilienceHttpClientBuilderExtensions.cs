// Stands in for the package Microsoft.Extensions.Http.Resilience where no version of it is served; the full registry never builds it.

using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.Http.Resilience
{
    public interface IHttpStandardResiliencePipelineBuilder
    {
        string PipelineName { get; }

        IServiceCollection Services { get; }
    }

    public static class HttpStandardResiliencePipelineBuilderExtensions
    {
        public static IHttpStandardResiliencePipelineBuilder Configure(
            this IHttpStandardResiliencePipelineBuilder builder, Action<HttpStandardResilienceOptions> configure) =>
            builder.Configure((options, _) => configure(options));

        public static IHttpStandardResiliencePipelineBuilder Configure(
            this IHttpStandardResiliencePipelineBuilder builder, Action<HttpStandardResilienceOptions, IServiceProvider> configure)
        {
            builder.Services.AddOptions<HttpStandardResilienceOptions>(builder.PipelineName).Configure(configure);
            return builder;
        }

        /// <summary>Gives every scheme, host and port a pipeline (and so a circuit) of its own.</summary>
        public static IHttpStandardResiliencePipelineBuilder SelectPipelineByAuthority(this IHttpStandardResiliencePipelineBuilder builder) =>
            builder.SelectPipelineBy(_ => request => request.RequestUri?.GetLeftPart(UriPartial.Authority) ?? "");

        public static IHttpStandardResiliencePipelineBuilder SelectPipelineBy(
            this IHttpStandardResiliencePipelineBuilder builder, Func<IServiceProvider, Func<HttpRequestMessage, string>> selectorFactory)
        {
            builder.Services.AddOptions<StandardPipelines>(builder.PipelineName)
                .Configure<IServiceProvider>((pipelines, services) => pipelines.KeyOf = selectorFactory(services));
            return builder;
        }
    }

    /// <summary>The pipelines of one name; they outlive the handlers, which the client factory replaces every few minutes.</summary>
    internal sealed class StandardPipelines
    {
        private readonly ConcurrentDictionary<string, ResiliencePipeline<HttpResponseMessage>> _pipelines = new();

        public Func<HttpRequestMessage, string> KeyOf { get; set; } = _ => "";

        public ResiliencePipeline<HttpResponseMessage> For(HttpRequestMessage request, HttpStandardResilienceOptions options) =>
            _pipelines.GetOrAdd(KeyOf(request), static (_, options) => new ResiliencePipelineBuilder<HttpResponseMessage>()
                .AddTimeout(options.TotalRequestTimeout)
                .AddRetry(options.Retry)
                .AddCircuitBreaker(options.CircuitBreaker)
                .AddTimeout(options.AttemptTimeout)
                .Build(), options);
    }

    internal sealed class HttpStandardResilienceOptionsValidator : IValidateOptions<HttpStandardResilienceOptions>
    {
        public ValidateOptionsResult Validate(string? name, HttpStandardResilienceOptions options)
        {
            var errors = new ValidateOptionsResultBuilder();
            if (options.AttemptTimeout.Timeout > options.TotalRequestTimeout.Timeout)
            {
                errors.AddError("The total request timeout must not be shorter than the attempt timeout.");
            }

            if (options.CircuitBreaker.SamplingDuration < options.AttemptTimeout.Timeout * 2)
            {
                errors.AddError("The sampling duration of the circuit breaker must be at least twice the attempt timeout.");
            }

            return errors.Build();
        }
    }
}

namespace Microsoft.Extensions.DependencyInjection
{
    public static class ResilienceHttpClientBuilderExtensions
    {
        public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(
            this IHttpClientBuilder builder, Action<HttpStandardResilienceOptions> configure) =>
            builder.AddStandardResilienceHandler().Configure(configure);

        /// <summary>Adds the standard pipeline; without <c>SelectPipelineByAuthority</c> all requests of the client share one circuit.</summary>
        public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(this IHttpClientBuilder builder)
        {
            var name = $"{builder.Name}-standard";
            builder.Services.AddOptionsWithValidateOnStart<HttpStandardResilienceOptions, HttpStandardResilienceOptionsValidator>(name);
            builder.AddHttpMessageHandler(services =>
            {
                var options = services.GetRequiredService<IOptionsMonitor<HttpStandardResilienceOptions>>().Get(name);
                var pipelines = services.GetRequiredService<IOptionsMonitor<StandardPipelines>>().Get(name);
                return new ResilienceHandler(request => pipelines.For(request, options));
            });

            // The pipeline's timeouts are the ones that count.
            builder.ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan);
            return new PipelineBuilder(name, builder.Services);
        }

        private sealed record PipelineBuilder(string PipelineName, IServiceCollection Services) : IHttpStandardResiliencePipelineBuilder;
    }
}
