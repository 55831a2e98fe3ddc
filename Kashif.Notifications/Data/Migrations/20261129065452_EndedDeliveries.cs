using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Notifications.Data.Migrations
{
    /// <inheritdoc />
    public partial class EndedDeliveries : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries",
                column: "next_attempt_at",
                filter: "state <> 'pending'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries");
        }
    }
}
