// Stands in for the package Aspire.RabbitMQ.Client where no version of it is served; the full registry never builds it.
// Left out: forwarding the client's event source to the logs.

using System.Diagnostics;
using System.Net.Sockets;
using Aspire;
using Aspire.RabbitMQ.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polly;
using Polly.Retry;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Aspire.RabbitMQ.Client
{
    public sealed class RabbitMQClientSettings
    {
        public string? ConnectionString { get; set; }
        public int MaxConnectRetryCount { get; set; } = 5;
        public bool DisableHealthChecks { get; set; }
        public bool DisableTracing { get; set; }
        public bool DisableAutoActivation { get; set; } = true;
    }
}

namespace Microsoft.Extensions.Hosting
{
    public static class AspireRabbitMQExtensions
    {
        private const string Section = "Aspire:RabbitMQ:Client";
        private static readonly ActivitySource Source = new("Aspire.RabbitMQ.Client");

        /// <summary>Registers <see cref="IConnection"/> as a singleton that connects with retries, a health check and traces.</summary>
        public static void AddRabbitMQClient(
            this IHostApplicationBuilder builder,
            string connectionName,
            Action<RabbitMQClientSettings>? configureSettings = null,
            Action<ConnectionFactory>? configureConnectionFactory = null) =>
            Add(builder, connectionName, serviceKey: null, configureSettings, configureConnectionFactory);

        /// <summary>The same under the service key <paramref name="name"/>, which is also the name of the connection.</summary>
        public static void AddKeyedRabbitMQClient(
            this IHostApplicationBuilder builder,
            string name,
            Action<RabbitMQClientSettings>? configureSettings = null,
            Action<ConnectionFactory>? configureConnectionFactory = null) =>
            Add(builder, name, serviceKey: name, configureSettings, configureConnectionFactory);

        private static void Add(
            IHostApplicationBuilder builder,
            string connectionName,
            string? serviceKey,
            Action<RabbitMQClientSettings>? configureSettings,
            Action<ConnectionFactory>? configureConnectionFactory)
        {
            var settings = builder.Bind<RabbitMQClientSettings>(Section, connectionName);
            settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
            configureSettings?.Invoke(settings);

            builder.Services.AddKeyedSingleton<IConnectionFactory>(serviceKey, (_, _) =>
            {
                var factory = new ConnectionFactory();
                var section = builder.Configuration.GetSection(Section);
                section.GetSection("ConnectionFactory").Bind(factory);
                section.GetSection($"{connectionName}:ConnectionFactory").Bind(factory);
                if (!string.IsNullOrEmpty(settings.ConnectionString))
                {
                    factory.Uri = new Uri(settings.ConnectionString);
                }

                configureConnectionFactory?.Invoke(factory);
                return factory;
            });
            builder.Services.AddKeyedSingleton<IConnection>(serviceKey, (services, key) =>
                Connect(services.GetRequiredKeyedService<IConnectionFactory>(key), settings.MaxConnectRetryCount));

            if (!settings.DisableAutoActivation)
            {
                builder.Services.AddSingleton<IHostedService>(services =>
                    new Activation(() => services.GetRequiredKeyedService<IConnection>(serviceKey)));
            }

            if (!settings.DisableTracing)
            {
                builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(Source.Name, "RabbitMQ.Client.*"));
            }

            if (!settings.DisableHealthChecks)
            {
                var name = serviceKey is null ? "RabbitMQ.Client" : $"RabbitMQ.Client_{connectionName}";
                builder.TryAddHealthCheck(name, services => new ProbeHealthCheck(async cancellationToken =>
                {
                    var connection = services.GetRequiredKeyedService<IConnection>(serviceKey);
                    await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                }));
            }
        }

        private static IConnection Connect(IConnectionFactory factory, int retries)
        {
            var pipeline = new ResiliencePipelineBuilder();
            if (retries > 0)
            {
                pipeline.AddRetry(new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<SocketException>().Handle<BrokerUnreachableException>(),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromSeconds(1),
                    MaxRetryAttempts = retries,
                });
            }

            using var activity = Source.StartActivity("rabbitmq connect", ActivityKind.Client);
            activity?.SetTag("messaging.system", "rabbitmq");
            activity?.SetTag("server.address", factory.Uri.Host);
            activity?.SetTag("server.port", factory.Uri.Port);

            // Blocks, as the real one does: the container has no asynchronous factories.
            return pipeline.Build()
                .ExecuteAsync(async cancellationToken => await factory.CreateConnectionAsync(cancellationToken))
                .AsTask().GetAwaiter().GetResult();
        }
    }
}
