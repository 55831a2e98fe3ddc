using System.Linq;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class Cells : Migration
    {
        // The grids of this version; later ones have no columns.
        private static readonly (string Column, int Factor)[] Grids = [("cell_32km", 1), ("cell_4km", 8), ("cell_500m", 64), ("cell_60m", 512), ("cell_8m", 4096)];

        private static string NumberSql(int factor)
        {
            const string Coarsest = "least(floor((latitude + 90) / 180 * 625)::bigint, 624)";
            var columns = $"(2 * (2 * {Coarsest} + 1) * (1249 - 2 * {Coarsest}) / 625 + 1) * {factor}";
            return $"least(floor((latitude + 90) / 180 * 625 * {factor})::bigint, {(625 * factor) - 1}) * 16777216 "
                + $"+ floor((longitude + 180) / 360 * ({columns}))::bigint % ({columns})";
        }

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:postgis", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:cube", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:postgis", ",,");

            // One rewrite of the table for all columns, and the index of words after it.
            migrationBuilder.Sql("ALTER TABLE reports DROP COLUMN position, "
                + string.Join(", ", Grids.Select(grid => $"ADD COLUMN {grid.Column} bigint NOT NULL GENERATED ALWAYS AS ({NumberSql(grid.Factor)}) STORED")));
            migrationBuilder.Sql(ReportWords.Create);

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

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
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

            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:cube", ",,")
                .Annotation("Npgsql:PostgresExtension:postgis", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:postgis", ",,");

            migrationBuilder.Sql(ReportWords.Drop);
            migrationBuilder.Sql("""
                ALTER TABLE reports ADD COLUMN position cube NOT NULL GENERATED ALWAYS AS (
                    cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)), cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))])) STORED
                """);
            migrationBuilder.Sql("CREATE INDEX ix_reports_position ON reports USING gist (position)");
        }
    }
}
