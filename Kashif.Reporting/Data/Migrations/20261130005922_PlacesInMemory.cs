using System;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class PlacesInMemory : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_reports_cell_32km",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_cell_4km",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_cell_500m",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_cell_60m",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_cell_8m",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "cell_32km",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "cell_4km",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "cell_500m",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "cell_60m",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "cell_8m",
                table: "reports");

            migrationBuilder.AddColumn<Guid>(
                name: "agency_id",
                table: "webhooks",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "former_description",
                table: "status_changes",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "former_title",
                table: "status_changes",
                type: "text",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "disabled",
                table: "staff_accounts",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "captured_at",
                table: "reports",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "original_hidden",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.CreateTable(
                name: "area_follows",
                columns: table => new
                {
                    area_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_area_follows", x => new { x.area_id, x.user_id });
                    table.ForeignKey(
                        name: "fk_area_follows_areas_area_id",
                        column: x => x.area_id,
                        principalTable: "areas",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_webhooks_agency_id",
                table: "webhooks",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_area_follows_user_id_at_area_id",
                table: "area_follows",
                columns: new[] { "user_id", "at", "area_id" });

            migrationBuilder.AddForeignKey(
                name: "fk_webhooks_agencies_agency_id",
                table: "webhooks",
                column: "agency_id",
                principalTable: "agencies",
                principalColumn: "id",
                onDelete: ReferentialAction.Restrict);

            migrationBuilder.Sql(ReportDuplicates.LinkSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "fk_webhooks_agencies_agency_id",
                table: "webhooks");

            migrationBuilder.DropTable(
                name: "area_follows");

            migrationBuilder.DropIndex(
                name: "ix_webhooks_agency_id",
                table: "webhooks");

            migrationBuilder.DropColumn(
                name: "agency_id",
                table: "webhooks");

            migrationBuilder.DropColumn(
                name: "former_description",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "former_title",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "disabled",
                table: "staff_accounts");

            migrationBuilder.DropColumn(
                name: "captured_at",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "original_hidden",
                table: "reports");

            migrationBuilder.AddColumn<long>(
                name: "cell_32km",
                table: "reports",
                type: "bigint",
                nullable: false,
                computedColumnSql: "least(floor((latitude + 90) / 180 * 625 * 1)::bigint, 624) * 16777216 + floor((longitude + 180) / 360 * ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 1))::bigint % ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 1)",
                stored: true);

            migrationBuilder.AddColumn<long>(
                name: "cell_4km",
                table: "reports",
                type: "bigint",
                nullable: false,
                computedColumnSql: "least(floor((latitude + 90) / 180 * 625 * 8)::bigint, 4999) * 16777216 + floor((longitude + 180) / 360 * ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 8))::bigint % ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 8)",
                stored: true);

            migrationBuilder.AddColumn<long>(
                name: "cell_500m",
                table: "reports",
                type: "bigint",
                nullable: false,
                computedColumnSql: "least(floor((latitude + 90) / 180 * 625 * 64)::bigint, 39999) * 16777216 + floor((longitude + 180) / 360 * ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 64))::bigint % ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 64)",
                stored: true);

            migrationBuilder.AddColumn<long>(
                name: "cell_60m",
                table: "reports",
                type: "bigint",
                nullable: false,
                computedColumnSql: "least(floor((latitude + 90) / 180 * 625 * 512)::bigint, 319999) * 16777216 + floor((longitude + 180) / 360 * ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 512))::bigint % ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 512)",
                stored: true);

            migrationBuilder.AddColumn<long>(
                name: "cell_8m",
                table: "reports",
                type: "bigint",
                nullable: false,
                computedColumnSql: "least(floor((latitude + 90) / 180 * 625 * 4096)::bigint, 2559999) * 16777216 + floor((longitude + 180) / 360 * ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 4096))::bigint % ((2 * (2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624) + 1) * (1249 - 2 * least(floor((latitude + 90) / 180 * 625)::bigint, 624)) / 625 + 1) * 4096)",
                stored: true);

            migrationBuilder.CreateIndex(
                name: "ix_reports_cell_32km",
                table: "reports",
                columns: new[] { "cell_32km", "id" },
                filter: "NOT (private OR hidden)");

            migrationBuilder.CreateIndex(
                name: "ix_reports_cell_4km",
                table: "reports",
                columns: new[] { "cell_4km", "id" },
                filter: "NOT (private OR hidden)");

            migrationBuilder.CreateIndex(
                name: "ix_reports_cell_500m",
                table: "reports",
                columns: new[] { "cell_500m", "id" },
                filter: "NOT (private OR hidden)");

            migrationBuilder.CreateIndex(
                name: "ix_reports_cell_60m",
                table: "reports",
                columns: new[] { "cell_60m", "id" },
                filter: "NOT (private OR hidden)");

            migrationBuilder.CreateIndex(
                name: "ix_reports_cell_8m",
                table: "reports",
                columns: new[] { "cell_8m", "id" },
                filter: "NOT (private OR hidden)");
        }
    }
}
