using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class HiddenUpdates : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "hidden_at",
                table: "open311_updates",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "hidden_by",
                table: "open311_updates",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "hidden_reason",
                table: "open311_updates",
                type: "text",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_reports_updated_at",
                table: "reports",
                column: "updated_at",
                filter: "NOT (private OR hidden)");

            migrationBuilder.CreateIndex(
                name: "ix_open311_updates_hidden_by",
                table: "open311_updates",
                column: "hidden_by",
                filter: "hidden_by IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_reports_updated_at",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_open311_updates_hidden_by",
                table: "open311_updates");

            migrationBuilder.DropColumn(
                name: "hidden_at",
                table: "open311_updates");

            migrationBuilder.DropColumn(
                name: "hidden_by",
                table: "open311_updates");

            migrationBuilder.DropColumn(
                name: "hidden_reason",
                table: "open311_updates");
        }
    }
}
