using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Kashif.Messaging.Migrations;

/// <summary>
/// Migrates before anything else of the service starts. Replicas that start together do it one after the other: EF's own lock
/// on PostgreSQL ends with the transaction of the first migration, after which two replicas would both run the second.
/// </summary>
internal sealed class MigrationService<TContext>(
    IServiceScopeFactory scopes, IOptions<DatabaseOptions> options, IHostEnvironment environment) : IHostedService
    where TContext : DbContext
{
    private const long Lock = 0x6b617368_6d696772;
    private static readonly TimeSpan LongestMigration = TimeSpan.FromMinutes(30);

    public Task StartAsync(CancellationToken cancellationToken) =>
        options.Value.MigrateAtStart ?? environment.IsDevelopment() ? MigrateAsync(cancellationToken) : Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        await CreateAsync(context.GetService<IRelationalDatabaseCreator>(), cancellationToken);

        await context.Database.OpenConnectionAsync(cancellationToken);
        context.Database.SetCommandTimeout(LongestMigration);
        await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_lock({Lock})", cancellationToken);
        try
        {
            await context.Database.MigrateAsync(cancellationToken);
        }
        finally
        {
            // The pool keeps the connection, and with it the lock.
            await context.Database.ExecuteSqlAsync($"SELECT pg_advisory_unlock({Lock})", CancellationToken.None);
        }
    }

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
}
