// Stands in for the package Aspire.Npgsql where no version of it is served; the full registry never builds it.
// Left out: keyed data sources.

using Aspire;
using Aspire.Npgsql;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Aspire.Npgsql
{
    public class NpgsqlSettings
    {
        public string? ConnectionString { get; set; }
        public bool DisableHealthChecks { get; set; }
        public bool DisableTracing { get; set; }
        public bool DisableMetrics { get; set; }
    }
}

namespace Microsoft.Extensions.Hosting
{
    public static class AspirePostgreSqlNpgsqlExtensions
    {
        private const string Section = "Aspire:Npgsql";

        /// <summary>Registers a pooled <see cref="NpgsqlDataSource"/> with a health check, traces and metrics.</summary>
        public static void AddNpgsqlDataSource(
            this IHostApplicationBuilder builder,
            string connectionName,
            Action<NpgsqlSettings>? configureSettings = null,
            Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null)
        {
            var settings = builder.Bind<NpgsqlSettings>(Section, connectionName);
            settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
            configureSettings?.Invoke(settings);

            builder.Services.TryAddSingleton(services =>
            {
                if (string.IsNullOrWhiteSpace(settings.ConnectionString))
                {
                    throw new InvalidOperationException(AspireIntegration.MissingConnectionString(connectionName, Section));
                }

                var dataSource = new NpgsqlDataSourceBuilder(settings.ConnectionString);
                dataSource.UseLoggerFactory(services.GetService<ILoggerFactory>());
                configureDataSourceBuilder?.Invoke(dataSource);
                return dataSource.Build();
            });
            builder.Services.TryAddTransient(services => services.GetRequiredService<NpgsqlDataSource>().CreateConnection());

            if (!settings.DisableHealthChecks)
            {
                builder.TryAddHealthCheck("PostgreSql", services => new ProbeHealthCheck(async cancellationToken =>
                {
                    await using var command = services.GetRequiredService<NpgsqlDataSource>().CreateCommand("SELECT 1");
                    await command.ExecuteScalarAsync(cancellationToken);
                }));
            }

            if (!settings.DisableTracing)
            {
                builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource("Npgsql"));
            }

            if (!settings.DisableMetrics)
            {
                builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Npgsql"));
            }
        }
    }
}
