using System;
using Kashif.Coupons.Partners;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Coupons.Data.Migrations
{
    /// <inheritdoc />
    public partial class PartnerEvents : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "actor_id",
                table: "product_movements",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "partners_version",
                table: "companies",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.CreateIndex(
                name: "ix_product_movements_actor_id",
                table: "product_movements",
                column: "actor_id",
                filter: "actor_id IS NOT NULL");

            migrationBuilder.Sql(CompanyPartner.PublishExistingSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_product_movements_actor_id",
                table: "product_movements");

            migrationBuilder.DropColumn(
                name: "actor_id",
                table: "product_movements");

            migrationBuilder.DropColumn(
                name: "partners_version",
                table: "companies");
        }
    }
}
