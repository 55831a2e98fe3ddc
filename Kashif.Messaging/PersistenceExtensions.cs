using Kashif.Messaging.Database;
using Kashif.Messaging.Idempotency;
using Kashif.Messaging.Migrations;
using Kashif.Messaging.Outbox;
using Kashif.Messaging.Retention;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Npgsql.EntityFrameworkCore.PostgreSQL.Infrastructure;

namespace Kashif.Messaging;

/// <summary>A service's own database.</summary>
public static class PersistenceExtensions
{
    /// <summary>
    /// Adds the service's pooled DbContext, its migrations, the outbox with its relay, idempotency keys, and the
    /// clean-up of what these leave behind. The model must call <see cref="ModelBuilderExtensions.ApplyKashifConventions"/>.
    /// </summary>
    /// <param name="connectionName">The database resource, of <see cref="ResourceNames"/>.</param>
    /// <param name="configure">Adds a plugin of Npgsql.</param>
    /// <remarks>
    /// No execution strategy retries: a request that meets a broken connection gets a 503 with <c>Retry-After</c>, and
    /// consumers repeat by themselves. That keeps explicit transactions plain.
    /// </remarks>
    public static IHostApplicationBuilder AddKashifDbContext<TContext>(
        this IHostApplicationBuilder builder, string connectionName, Action<NpgsqlDbContextOptionsBuilder>? configure = null)
        where TContext : DbContext
    {
        if (EF.IsDesignTime && builder.Configuration.GetConnectionString(connectionName) is null)
        {
            // `dotnet ef migrations add` compares models and needs no server.
            builder.Configuration.AddInMemoryCollection([new($"ConnectionStrings:{connectionName}", "Host=design-time")]);
        }

        var services = builder.Services.RequireConnection(connectionName);
        var database = builder.Configuration.GetSection(DatabaseOptions.Section).Get<DatabaseOptions>() ?? new DatabaseOptions();
        var signal = new OutboxSignal();
        services.AddSingleton(signal);

        builder.AddNpgsqlDbContext<TContext>(
            connectionName,
            settings =>
            {
                settings.DisableRetry = true;
                settings.DisableTracing = true; // KashifTelemetry decides what is traced
                settings.ConnectionString = Tune(settings.ConnectionString, database.MaxPoolSize);
            },
            options => options
                .UseNpgsql(npgsql =>
                {
                    npgsql.ConfigureDataSource(source => source.ConfigureTracing(QuerySummary.NameSpans));
                    configure?.Invoke(npgsql);
                })
                .UseSnakeCaseNamingConvention()
                .ReplaceService<IHistoryRepository, MigrationHistory>()
                .AddInterceptors(new OutboxSignalInterceptor(signal), new InsertOnlyTransactionInterceptor())
                .ConfigureWarnings(warnings => warnings
                    .Ignore(CoreEventId.RowLimitingOperationWithoutOrderByWarning)

                    // The caller logs the exceptions that matter; a unique index that causes a 409 is not an error.
                    .Log((CoreEventId.SaveChangesFailed, LogLevel.Debug), (RelationalEventId.CommandError, LogLevel.Debug), (RelationalEventId.ConnectionError, LogLevel.Debug))));

        services.AddOptions<DatabaseOptions>().BindConfiguration(DatabaseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddScoped<DbContext>(provider => provider.GetRequiredService<TContext>());
        services.AddScoped<IdempotencyKey>();
        services.AddScoped(provider => new UnitOfWork(provider.GetRequiredService<TContext>(), provider.GetRequiredService<IdempotencyKey>(), signal));
        services.AddSingleton<MigrationService<TContext>>();
        services.AddHostedService(provider => provider.GetRequiredService<MigrationService<TContext>>());
        services.AddCommand("migrate", [MigrationService<TContext>.To], async (provider, options, cancellationToken) =>
        {
            var reached = await provider.GetRequiredService<MigrationService<TContext>>().MigrateAsync(options.GetValueOrDefault(MigrationService<TContext>.To), cancellationToken);
            await Console.Out.WriteLineAsync($"The schema is at {reached}.");
        });
        services.AddHostedService<RetentionService<TContext>>();
        builder.AddMessaging().Services.AddHostedService<OutboxRelay<TContext>>();
        return builder;
    }

    private static string? Tune(string? connectionString, int pool)
    {
        if (string.IsNullOrEmpty(connectionString))
        {
            return connectionString; // RequireConnection reports it at the start
        }

        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        settings.IncludeErrorDetail = false; // the values of a violated constraint, which would be logged
        Default("Maximum Pool Size", pool);
        Default("Max Auto Prepare", 100);
        Default("Auto Prepare Min Usages", 2);
        Default("No Reset On Close", true); // nothing here sets session state
        return settings.ConnectionString;

        void Default(string keyword, object value)
        {
            if (!settings.ShouldSerialize(keyword))
            {
                settings[keyword] = value;
            }
        }
    }
}
