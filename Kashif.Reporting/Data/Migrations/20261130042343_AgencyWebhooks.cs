using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class AgencyWebhooks : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<Guid>(
                name: "agency_id",
                table: "webhooks",
                type: "uuid",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_webhooks_agency_id",
                table: "webhooks",
                column: "agency_id");

            migrationBuilder.AddForeignKey(
                name: "fk_webhooks_agencies_agency_id",
                table: "webhooks",
                column: "agency_id",
                principalTable: "agencies",
                principalColumn: "id",
                onDelete: ReferentialAction.Restrict);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropForeignKey(
                name: "fk_webhooks_agencies_agency_id",
                table: "webhooks");

            migrationBuilder.DropIndex(
                name: "ix_webhooks_agency_id",
                table: "webhooks");

            migrationBuilder.DropColumn(
                name: "agency_id",
                table: "webhooks");
        }
    }
}
