using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class AfterFiling : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "category",
                table: "status_changes",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<string[]>(
                name: "fields",
                table: "status_changes",
                type: "text[]",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "former_category",
                table: "status_changes",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_public",
                table: "status_changes",
                type: "boolean",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<string>(
                name: "kind",
                table: "status_changes",
                type: "character varying(20)",
                maxLength: 20,
                nullable: false,
                defaultValue: "status");

            migrationBuilder.AddColumn<int>(
                name: "duplicate_distance_m",
                table: "categories",
                type: "integer",
                nullable: false,
                defaultValue: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "abandoned_vehicle",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "garbage",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "graffiti",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "noise",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "other",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "park",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "pothole",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_damage",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_sign",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sewage",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sidewalk",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "street_light",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "traffic_signal",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "water_leak",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.CreateIndex(
                name: "ix_reports_hidden",
                table: "reports",
                column: "id",
                filter: "hidden");

            migrationBuilder.CreateIndex(
                name: "ix_reports_private",
                table: "reports",
                column: "id",
                filter: "private");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_reports_hidden",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_private",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "category",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "fields",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "former_category",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "is_public",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "kind",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "duplicate_distance_m",
                table: "categories");
        }
    }
}
