using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <summary>What EF Core has no words for: the position as a <c>cube</c>, and the index that searches by distance.</summary>
    public partial class Geography : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(
                """
                ALTER TABLE reports ADD COLUMN position cube NOT NULL GENERATED ALWAYS AS (
                    cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)), cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))])) STORED
                """);
            migrationBuilder.Sql("CREATE INDEX ix_reports_position ON reports USING gist (position)");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("ALTER TABLE reports DROP COLUMN position");
        }
    }
}
