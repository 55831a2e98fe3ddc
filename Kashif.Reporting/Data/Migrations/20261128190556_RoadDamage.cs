using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class RoadDamage : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "other",
                column: "position",
                value: 14);

            // A city may have added this category itself.
            migrationBuilder.Sql("""
                INSERT INTO categories (code, active, colour, icon, name_ar, name_en, position)
                VALUES ('road_damage', true, '#92400e', 'edit_road', 'أضرار الطريق', 'Road damage', 13)
                ON CONFLICT (code) DO NOTHING
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DeleteData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_damage");

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "other",
                column: "position",
                value: 13);
        }
    }
}
