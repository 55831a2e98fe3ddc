// Stands in for the package Aspire.StackExchange.Redis where no version of it is served; the full registry never builds it.
// Left out: keyed clients, AddRedisClientBuilder, and traces (StackExchange.Redis 1.2.6 emits none).

using Aspire;
using Aspire.StackExchange.Redis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis
{
    public sealed class StackExchangeRedisSettings
    {
        public string? ConnectionString { get; set; }
        public bool DisableHealthChecks { get; set; }
        public bool DisableTracing { get; set; }
        public bool DisableAutoActivation { get; set; } = true;
    }
}

namespace Microsoft.Extensions.Hosting
{
    public static class AspireRedisExtensions
    {
        private const string Section = "Aspire:StackExchange:Redis";

        /// <summary>Registers <see cref="IConnectionMultiplexer"/> as a singleton that survives an absent server, with a health check.</summary>
        public static void AddRedisClient(
            this IHostApplicationBuilder builder,
            string connectionName,
            Action<StackExchangeRedisSettings>? configureSettings = null,
            Action<ConfigurationOptions>? configureOptions = null)
        {
            var settings = builder.Bind<StackExchangeRedisSettings>(Section, connectionName);
            settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
            configureSettings?.Invoke(settings);

            builder.Services.AddSingleton<IConnectionMultiplexer>(_ => ConnectionMultiplexer.Connect(Options()));

            if (!settings.DisableAutoActivation)
            {
                builder.Services.AddSingleton<IHostedService>(services =>
                    new Activation(() => services.GetRequiredService<IConnectionMultiplexer>()));
            }

            if (!settings.DisableHealthChecks)
            {
                builder.TryAddHealthCheck("StackExchange.Redis", services => new ProbeHealthCheck(_ =>
                    services.GetRequiredService<IConnectionMultiplexer>().GetDatabase().PingAsync()));
            }

            ConfigurationOptions Options()
            {
                var connectionString = settings.ConnectionString ?? "";
                var options = ConfigurationOptions.Parse(connectionString);
                // Unless the connection string says otherwise, an absent server is waited for, not an error at start.
                if (!connectionString.Contains("abortConnect", StringComparison.OrdinalIgnoreCase))
                {
                    options.AbortOnConnectFail = false;
                }

                var section = builder.Configuration.GetSection(Section);
                section.GetSection("ConfigurationOptions").Bind(options);
                section.GetSection($"{connectionName}:ConfigurationOptions").Bind(options);
                configureOptions?.Invoke(options);
                return options.EndPoints.Count > 0
                    ? options
                    : throw new InvalidOperationException(AspireIntegration.MissingConnectionString(connectionName, Section));
            }
        }
    }
}
