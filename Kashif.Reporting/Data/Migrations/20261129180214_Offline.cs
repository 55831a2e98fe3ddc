using System;
using Kashif.Reporting.Sync;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class Offline : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "client_reports",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    client_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    captured_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_client_reports", x => new { x.user_id, x.client_id });
                });

            migrationBuilder.CreateTable(
                name: "feed_identities",
                columns: table => new
                {
                    identity = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_feed_identities", x => x.identity);
                });

            migrationBuilder.CreateTable(
                name: "report_changes",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    changed_in = table.Column<ulong>(type: "xid8", nullable: false),
                    was_public = table.Column<bool>(type: "boolean", nullable: false),
                    deleted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_changes", x => x.report_id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_report_changes_changed_in_report_id",
                table: "report_changes",
                columns: new[] { "changed_in", "report_id" },
                filter: "was_public");

            migrationBuilder.CreateIndex(
                name: "ix_report_changes_deleted_at",
                table: "report_changes",
                column: "deleted_at",
                filter: "deleted_at IS NOT NULL");

            migrationBuilder.Sql(ReportChangeConfiguration.TriggersSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(ReportChangeConfiguration.DropTriggersSql);

            migrationBuilder.DropTable(
                name: "client_reports");

            migrationBuilder.DropTable(
                name: "feed_identities");

            migrationBuilder.DropTable(
                name: "report_changes");
        }
    }
}
