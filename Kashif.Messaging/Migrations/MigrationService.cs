using System.Data.Common;
using Kashif.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Messaging.Migrations;

/// <summary>
/// Migrates, or waits for the <c>migrate</c> command, before anything else of the service starts. Replicas that start together migrate one
/// after the other: EF's own lock on PostgreSQL ends with the transaction of the first migration, after which two replicas would both run
/// the second.
/// </summary>
internal sealed partial class MigrationService<TContext>(
    IServiceScopeFactory scopes,
    IOptions<DatabaseOptions> options,
    IConfiguration configuration,
    IHostEnvironment environment,
    TimeProvider time,
    ILogger<MigrationService<TContext>> logger) : IHostedService
    where TContext : DbContext
{
    /// <summary>The option of <c>migrate</c>: the name of the migration to go to.</summary>
    public const string To = "--to";

    private const long Lock = 0x6b617368_6d696772;
    private static readonly TimeSpan LongestMigration = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    public Task StartAsync(CancellationToken cancellationToken) => options.Value.MigrateAtStart ?? environment.IsDevelopment()
        ? MigrateAsync(null, cancellationToken)
        : WaitForSchemaAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <param name="target">A migration of this version, with or without its time; null for the newest.</param>
    /// <returns>The migration that the schema has now.</returns>
    /// <exception cref="CommandException">The target is unknown, or the schema is newer than this version.</exception>
    public async Task<string> MigrateAsync(string? target, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        var known = context.Database.GetMigrations().ToList();
        var goal = target is null ? known[^1] : Find(known, target);
        await CreateAsync(context.GetService<IRelationalDatabaseCreator>(), cancellationToken);

        await context.Database.OpenConnectionAsync(cancellationToken);
        context.Database.SetCommandTimeout(LongestMigration);
        await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_lock({Lock})", cancellationToken);
        try
        {
            var newer = (await context.Database.GetAppliedMigrationsAsync(cancellationToken)).Except(known).ToList();
            if (target is not null && newer is not [])
            {
                // EF would leave them applied and go back over older ones.
                throw new CommandException(
                    $"The schema is newer than this version, which does not know {string.Join(", ", newer)}. Go back with the version that added them.");
            }

            await context.Database.MigrateAsync(target is null ? null : goal, cancellationToken);

            // Another replica may have added an extension with types since this connection was opened.
            await ((NpgsqlConnection)context.Database.GetDbConnection()).ReloadTypesAsync(cancellationToken);
            return newer is [] ? goal : newer[^1];
        }
        finally
        {
            // The pool keeps the connection, and with it the lock. A broken connection has released it, and must not hide why it broke.
            try
            {
                await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_unlock({Lock})", CancellationToken.None);
            }
            catch (DbException)
            {
            }
        }
    }

    private static string Find(List<string> known, string target) =>
        known.Find(id => id.Equals(target, StringComparison.OrdinalIgnoreCase) || NameOf(id).Equals(target, StringComparison.OrdinalIgnoreCase))
        ?? throw new CommandException($"Unknown migration '{target}'. This version has: {string.Join(", ", known.Select(NameOf))}.");

    /// <summary><c>20261129014927_ErasureIndexes</c> is <c>ErasureIndexes</c>.</summary>
    private static string NameOf(string id) => id[(id.IndexOf('_', StringComparison.Ordinal) + 1)..];

    private static async Task CreateAsync(IRelationalDatabaseCreator database, CancellationToken cancellationToken)
    {
        try
        {
            if (!await database.ExistsAsync(cancellationToken))
            {
                await database.CreateAsync(cancellationToken);
            }
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            // Another replica was faster.
        }
    }

    /// <summary>A schema that is newer than this version is accepted: another version runs beside this one.</summary>
    private async Task WaitForSchemaAsync(CancellationToken cancellationToken)
    {
        if (await MissingAsync(cancellationToken) is not { } missing)
        {
            return;
        }

        await using var server = await WaitingServer.StartAsync(configuration, cancellationToken);
        using var timer = new PeriodicTimer(Poll, time);
        for (var logged = ""; ; missing = await MissingAsync(cancellationToken))
        {
            if (missing is null)
            {
                SchemaIsThere(logger);
                return;
            }

            if (missing != logged)
            {
                Waits(logger, missing, environment.ApplicationName);
                logged = missing;
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <returns>What the database lacks, or null.</returns>
    private async Task<string?> MissingAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<TContext>().Database;
        if (!database.GetMigrations().Any())
        {
            return null;
        }

        try
        {
            var pending = (await database.GetPendingMigrationsAsync(cancellationToken)).ToList();
            return pending is [] ? null : $"The schema lacks {string.Join(", ", pending.Select(NameOf))}";
        }
        catch (DbException exception) when (TransientFailure.Is(exception))
        {
            return "The database does not respond";
        }
    }

    [LoggerMessage(EventId = 1401, Level = LogLevel.Warning, Message = "{Missing}. Not serving until it is there; run this version's migrations: dotnet {Service}.dll migrate")]
    private static partial void Waits(ILogger logger, string missing, string service);

    [LoggerMessage(EventId = 1402, Level = LogLevel.Information, Message = "The schema is there; starting")]
    private static partial void SchemaIsThere(ILogger logger);
}
