using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class ErasureIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_debits_user_id",
                table: "debits",
                column: "user_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_debits_user_id",
                table: "debits");
        }
    }
}
