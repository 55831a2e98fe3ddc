using Microsoft.EntityFrameworkCore.Migrations;
using NetTopologySuite.Geometries;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class PostGis : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:cube", ",,")
                .Annotation("Npgsql:PostgresExtension:postgis", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:cube", ",,");

            migrationBuilder.AddColumn<int>(
                name: "activity",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "anonymous",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "comments",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "hidden",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "photos",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "private",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "votes",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<Point>(
                name: "location",
                table: "reports",
                type: "geography (Point, 4326)",
                nullable: true,
                computedColumnSql: "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography",
                stored: true);

            migrationBuilder.CreateIndex(
                name: "ix_reports_location",
                table: "reports",
                column: "location")
                .Annotation("Npgsql:IndexMethod", "gist");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_reports_location",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "location",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "activity",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "anonymous",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "comments",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "hidden",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "photos",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "private",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "votes",
                table: "reports");

            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:cube", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:cube", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:postgis", ",,");
        }
    }
}
