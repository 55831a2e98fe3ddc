using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.DeadLetters;
using Kashif.Messaging.RabbitMq;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Kashif.Messaging;

/// <summary>Events in and out of a service.</summary>
public static class MessagingExtensions
{
    /// <summary>Consumes the service's queue with the handlers that are added to the result.</summary>
    public static EventConsumerBuilder AddEventConsumer<TContext>(this IHostApplicationBuilder builder)
        where TContext : DbContext
    {
        builder.AddMessaging();
        builder.Services.AddSingleton<EventProcessor<TContext>>();
        builder.Services.AddSingleton<Subscriptions<TContext>>();
        builder.Services.AddSingleton<ConsumerHealth>();
        builder.Services.AddHealthChecks().AddCheck<ConsumerHealth>(ConsumerHealth.Name, HealthStatus.Degraded);
        builder.Services.AddHostedService<EventConsumer<TContext>>();
        return new EventConsumerBuilder(builder.Services);
    }

    internal static IHostApplicationBuilder AddMessaging(this IHostApplicationBuilder builder)
    {
        if (builder.Services.Any(service => service.ServiceType == typeof(Broker)))
        {
            return builder;
        }

        Localized.Add(typeof(MessagingExtensions).Assembly);
        builder.Services.RequireConnection(ResourceNames.Messaging);
        builder.AddRabbitMQClient(
            ResourceNames.Messaging,
            settings =>
            {
                settings.MaxConnectRetryCount = 0; // relay and consumers try again by themselves
                settings.DisableTracing = true; // EventSpans has the spans
                settings.DisableHealthChecks = true; // the integration's own check connects, and would block /health while the broker is away
            },
            factory =>
            {
                factory.ClientProvidedName = builder.Environment.ApplicationName;
                factory.NetworkRecoveryInterval = TimeSpan.FromSeconds(1);
            });
        builder.Services.AddHealthChecks().AddCheck<BrokerHealth>(ResourceNames.Messaging, HealthStatus.Degraded);
        builder.Services.AddOptions<MessagingOptions>()
            .BindConfiguration(MessagingOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton<Broker>();
        builder.Services.TryAddSingleton<MessagingMetrics>();
        builder.Services.TryAddSingleton<DeadLetterQueue>();
        builder.Services.AddValidation(); // for the endpoints of this assembly
        builder.Services.AddJsonContext(DeadLettersJson.Default);
        string[] filters = [DeadLetterCommands.Type, DeadLetterCommands.Exception, DeadLetterCommands.Id];
        builder.Services.AddCommand("dead-letters list", filters, (provider, options, cancellationToken) =>
            DeadLetterCommands.ListAsync(provider.GetRequiredService<DeadLetterQueue>(), options, Console.Out, cancellationToken));
        builder.Services.AddCommand("dead-letters replay", [.. filters, DeadLetterCommands.Data], (provider, options, cancellationToken) =>
            DeadLetterCommands.ReplayAsync(provider.GetRequiredService<DeadLetterQueue>(), options, Console.Out, cancellationToken));
        return builder;
    }
}

/// <summary>Degraded without a connection, or while a queue exists with other arguments. Requests still work, and the outbox keeps the events.</summary>
internal sealed class BrokerHealth(Broker broker) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(new HealthCheckResult(
            broker.IsConnected && !broker.Mismatched.Any() ? HealthStatus.Healthy : context.Registration.FailureStatus,
            // /health writes nested entries only.
            data: broker.Mismatched.ToDictionary(queue => queue, object (_) => new HealthReportEntry(HealthStatus.Degraded, null, TimeSpan.Zero, null, null))));
}
