using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Kashif.Persistence;

/// <summary>Migrates before anything else of the service starts; EF's lock in the database lets replicas start together.</summary>
internal sealed class MigrationService<TContext>(
    IServiceScopeFactory scopes, IOptions<DatabaseOptions> options, IHostEnvironment environment) : IHostedService, IDatabaseMigration
    where TContext : DbContext
{
    public Task StartAsync(CancellationToken cancellationToken) =>
        options.Value.MigrateAtStart ?? environment.IsDevelopment() ? MigrateAsync(cancellationToken) : Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        await context.Database.MigrateAsync(cancellationToken);
    }
}

/// <summary>What the command <c>migrate</c> runs.</summary>
internal interface IDatabaseMigration
{
    Task MigrateAsync(CancellationToken cancellationToken);
}
