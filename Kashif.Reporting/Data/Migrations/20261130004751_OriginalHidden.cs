using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class OriginalHidden : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "original_hidden",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);
            migrationBuilder.Sql(ReportDuplicates.LinkSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "original_hidden",
                table: "reports");
        }
    }
}
