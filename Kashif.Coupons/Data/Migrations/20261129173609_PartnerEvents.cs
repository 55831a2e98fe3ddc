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
            migrationBuilder.AddColumn<int>(
                name: "partners_version",
                table: "companies",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.Sql(CompanyPartner.PublishExistingSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "partners_version",
                table: "companies");
        }
    }
}
