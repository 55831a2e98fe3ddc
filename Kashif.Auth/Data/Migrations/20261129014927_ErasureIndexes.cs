using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Auth.Data.Migrations
{
    /// <inheritdoc />
    public partial class ErasureIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_outbox_subject",
                table: "outbox",
                column: "subject");

            migrationBuilder.CreateIndex(
                name: "ix_audit_log_actor_id",
                table: "audit_log",
                column: "actor_id",
                filter: "actor_id IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_outbox_subject",
                table: "outbox");

            migrationBuilder.DropIndex(
                name: "ix_audit_log_actor_id",
                table: "audit_log");
        }
    }
}
