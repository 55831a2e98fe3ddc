using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class ErasureIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_status_changes_changed_by",
                table: "status_changes",
                column: "changed_by");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_status_changes_changed_by",
                table: "status_changes");
        }
    }
}
