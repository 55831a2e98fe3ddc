using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Migrations.Internal;

namespace Kashif.Messaging.Migrations;

/// <summary>
/// Keeps EF's own names in <c>__EFMigrationsHistory</c>. The naming convention would rename its columns, and then no existing database
/// could be migrated.
/// </summary>
#pragma warning disable EF1001 // documented for this: https://learn.microsoft.com/ef/core/managing-schemas/migrations/history-table
internal sealed class MigrationHistory(HistoryRepositoryDependencies dependencies) : NpgsqlHistoryRepository(dependencies)
{
    protected override void ConfigureTable(EntityTypeBuilder<HistoryRow> history)
    {
        base.ConfigureTable(history);
        history.HasKey(row => row.MigrationId).HasName("PK___EFMigrationsHistory");
        history.Property(row => row.MigrationId).HasColumnName("MigrationId");
        history.Property(row => row.ProductVersion).HasColumnName("ProductVersion");
    }
}
#pragma warning restore EF1001
