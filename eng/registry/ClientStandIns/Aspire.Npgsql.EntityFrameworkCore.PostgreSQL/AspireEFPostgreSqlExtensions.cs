// Stands in for the package Aspire.Npgsql.EntityFrameworkCore.PostgreSQL where no version of it is served; the full registry never
// builds it. Left out: the check for a custom execution strategy that contradicts DisableRetry.

using Aspire;
using Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL
{
    public class NpgsqlEntityFrameworkCorePostgreSQLSettings
    {
        public string? ConnectionString { get; set; }
        public bool DisableRetry { get; set; }
        public bool DisableHealthChecks { get; set; }
        public bool DisableTracing { get; set; }
        public bool DisableMetrics { get; set; }
        public int? CommandTimeout { get; set; }
    }
}

namespace Microsoft.Extensions.Hosting
{
    public static class AspireEFPostgreSqlExtensions
    {
        private const string Section = "Aspire:Npgsql:EntityFrameworkCore:PostgreSQL";

        /// <summary>Registers a pooled context with retries, a health check named after it, traces and metrics.</summary>
        public static void AddNpgsqlDbContext<TContext>(
            this IHostApplicationBuilder builder,
            string connectionName,
            Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings = null,
            Action<DbContextOptionsBuilder>? configureDbContextOptions = null)
            where TContext : DbContext
        {
            if (builder.Environment.IsDevelopment() && IsRegistered<TContext>(builder))
            {
                throw new InvalidOperationException(
                    $"DbContext<{typeof(TContext).Name}> is already registered; use {nameof(EnrichNpgsqlDbContext)} with AddDbContext.");
            }

            var settings = builder.Bind<NpgsqlEntityFrameworkCorePostgreSQLSettings>(Section, connectionName, typeof(TContext).Name);
            settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
            configureSettings?.Invoke(settings);

            builder.Services.AddDbContextPool<TContext>(options =>
            {
                // Not before a context is asked for: dotnet ef builds the model without a server.
                if (string.IsNullOrWhiteSpace(settings.ConnectionString) && !EF.IsDesignTime)
                {
                    throw new InvalidOperationException(
                        AspireIntegration.MissingConnectionString(connectionName, Section, $"{Section}:{typeof(TContext).Name}"));
                }

                options.UseNpgsql(settings.ConnectionString, npgsql =>
                {
                    if (!settings.DisableRetry)
                    {
                        npgsql.EnableRetryOnFailure();
                    }

                    if (settings.CommandTimeout is { } seconds)
                    {
                        npgsql.CommandTimeout(seconds);
                    }
                });
                configureDbContextOptions?.Invoke(options);
            });

            Instrument<TContext>(builder, settings);
        }

        /// <summary>Gives a context that the application registered itself what <see cref="AddNpgsqlDbContext"/> gives to its own.</summary>
        public static void EnrichNpgsqlDbContext<TContext>(
            this IHostApplicationBuilder builder, Action<NpgsqlEntityFrameworkCorePostgreSQLSettings>? configureSettings = null)
            where TContext : DbContext
        {
            var settings = builder.Bind<NpgsqlEntityFrameworkCorePostgreSQLSettings>(Section, typeof(TContext).Name);
            configureSettings?.Invoke(settings);

            if (!settings.DisableRetry || settings.CommandTimeout is not null)
            {
                if (!IsRegistered<TContext>(builder))
                {
                    throw new InvalidOperationException(
                        $"DbContext<{typeof(TContext).Name}> was not registered; register it before calling {nameof(EnrichNpgsqlDbContext)}.");
                }

                builder.Services.ConfigureDbContext<TContext>(options =>
                {
                    var relational = options.Options.Extensions.OfType<RelationalOptionsExtension>().FirstOrDefault();
                    options.UseNpgsql(npgsql =>
                    {
                        if (!settings.DisableRetry && relational?.ExecutionStrategyFactory is null)
                        {
                            npgsql.EnableRetryOnFailure();
                        }

                        if (settings.CommandTimeout is { } seconds)
                        {
                            npgsql.CommandTimeout(seconds);
                        }
                    });
                });
            }

            Instrument<TContext>(builder, settings);
        }

        private static bool IsRegistered<TContext>(IHostApplicationBuilder builder)
            where TContext : DbContext =>
            builder.Services.Any(service => service.ServiceType == typeof(DbContextOptions<TContext>));

        private static void Instrument<TContext>(IHostApplicationBuilder builder, NpgsqlEntityFrameworkCorePostgreSQLSettings settings)
            where TContext : DbContext
        {
            if (!settings.DisableHealthChecks)
            {
                builder.TryAddHealthCheck(typeof(TContext).Name, services => new ProbeHealthCheck(async cancellationToken =>
                {
                    if (!await services.GetRequiredService<TContext>().Database.CanConnectAsync(cancellationToken))
                    {
                        throw new InvalidOperationException($"{typeof(TContext).Name} cannot connect to its database.");
                    }
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
