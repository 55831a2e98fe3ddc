using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class QuestPartners : Migration
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

            migrationBuilder.AddColumn<bool>(
                name: "unnamed",
                table: "report_events",
                type: "boolean",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "company_partners",
                columns: table => new
                {
                    company_id = table.Column<int>(type: "integer", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    is_partner = table.Column<bool>(type: "boolean", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_company_partners", x => new { x.user_id, x.company_id });
                });

            migrationBuilder.CreateTable(
                name: "report_votes",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    withdrawn = table.Column<bool>(type: "boolean", nullable: false),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    latitude = table.Column<double>(type: "double precision", nullable: false),
                    longitude = table.Column<double>(type: "double precision", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_votes", x => new { x.report_id, x.user_id });
                });

            migrationBuilder.CreateIndex(
                name: "ix_report_events_original_id",
                table: "report_events",
                column: "original_id",
                filter: "original_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_report_votes_user_id_at",
                table: "report_votes",
                columns: new[] { "user_id", "at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "company_partners");

            migrationBuilder.DropTable(
                name: "report_votes");

            migrationBuilder.DropIndex(
                name: "ix_report_events_original_id",
                table: "report_events");

            migrationBuilder.DropColumn(
                name: "hidden",
                table: "report_events");

            migrationBuilder.DropColumn(
                name: "original_id",
                table: "report_events");

            migrationBuilder.DropColumn(
                name: "unnamed",
                table: "report_events");
        }
    }
}
