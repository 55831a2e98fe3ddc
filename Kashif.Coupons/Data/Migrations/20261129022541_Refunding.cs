using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Coupons.Data.Migrations
{
    /// <inheritdoc />
    public partial class Refunding : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_redemptions_leased_until",
                table: "redemptions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_redemptions_ended_at",
                table: "redemptions");

            migrationBuilder.CreateIndex(
                name: "ix_redemptions_leased_until",
                table: "redemptions",
                column: "leased_until",
                filter: "ended_at IS NULL");

            migrationBuilder.AddCheckConstraint(
                name: "ck_redemptions_ended_at",
                table: "redemptions",
                sql: "(ended_at IS NULL) = (status IN ('reserved', 'refunding'))");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_redemptions_leased_until",
                table: "redemptions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_redemptions_ended_at",
                table: "redemptions");

            migrationBuilder.CreateIndex(
                name: "ix_redemptions_leased_until",
                table: "redemptions",
                column: "leased_until",
                filter: "status = 'reserved'");

            migrationBuilder.AddCheckConstraint(
                name: "ck_redemptions_ended_at",
                table: "redemptions",
                sql: "(ended_at IS NULL) = (status = 'reserved')");
        }
    }
}
