using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class ReportLifecycle : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "hidden",
                table: "report_events",
                type: "boolean",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "original_id",
                table: "report_events",
                type: "uuid",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_report_events_original_id",
                table: "report_events",
                column: "original_id",
                filter: "original_id IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_report_events_original_id",
                table: "report_events");

            migrationBuilder.DropColumn(
                name: "hidden",
                table: "report_events");

            migrationBuilder.DropColumn(
                name: "original_id",
                table: "report_events");
        }
    }
}
