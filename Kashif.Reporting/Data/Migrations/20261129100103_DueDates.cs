using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class DueDates : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "due_at",
                table: "reports",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "overdue_at",
                table: "reports",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "target_days",
                table: "categories",
                type: "integer",
                nullable: true);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "abandoned_vehicle",
                column: "target_days",
                value: 30);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "garbage",
                column: "target_days",
                value: 3);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "graffiti",
                column: "target_days",
                value: 30);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "noise",
                column: "target_days",
                value: 7);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "other",
                column: "target_days",
                value: null);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "park",
                column: "target_days",
                value: 30);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "pothole",
                column: "target_days",
                value: 14);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_damage",
                column: "target_days",
                value: 30);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_sign",
                column: "target_days",
                value: 14);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sewage",
                column: "target_days",
                value: 3);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sidewalk",
                column: "target_days",
                value: 30);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "street_light",
                column: "target_days",
                value: 7);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "traffic_signal",
                column: "target_days",
                value: 2);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "water_leak",
                column: "target_days",
                value: 2);

            migrationBuilder.CreateIndex(
                name: "ix_reports_due",
                table: "reports",
                column: "due_at",
                filter: "due_at IS NOT NULL AND overdue_at IS NULL AND status IN ('submitted', 'verified', 'in_progress')");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_reports_due",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "due_at",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "overdue_at",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "target_days",
                table: "categories");
        }
    }
}
