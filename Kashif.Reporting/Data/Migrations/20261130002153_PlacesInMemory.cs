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
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
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
