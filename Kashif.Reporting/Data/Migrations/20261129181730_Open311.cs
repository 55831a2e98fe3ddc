using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class Open311 : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "open311_keys",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    jurisdiction = table.Column<string>(type: "text", nullable: true),
                    prefix = table.Column<string>(type: "character varying(14)", maxLength: 14, nullable: false),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_used_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    revoked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_open311_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "open311_submissions",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key_id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: true),
                    service_code = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    description = table.Column<string>(type: "text", nullable: false),
                    address = table.Column<string>(type: "text", nullable: true),
                    address_id = table.Column<string>(type: "text", nullable: true),
                    media_url = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    email = table.Column<string>(type: "text", nullable: true),
                    first_name = table.Column<string>(type: "text", nullable: true),
                    last_name = table.Column<string>(type: "text", nullable: true),
                    phone = table.Column<string>(type: "text", nullable: true),
                    device_id = table.Column<string>(type: "text", nullable: true),
                    account_id = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_open311_submissions", x => x.id);
                    table.ForeignKey(
                        name: "fk_open311_submissions_open311_keys_key_id",
                        column: x => x.key_id,
                        principalTable: "open311_keys",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_open311_submissions_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "open311_updates",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    key_id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    client_id = table.Column<string>(type: "text", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    description = table.Column<string>(type: "text", nullable: false),
                    media_url = table.Column<string>(type: "text", nullable: true),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_open311_updates", x => x.id);
                    table.ForeignKey(
                        name: "fk_open311_updates_open311_keys_key_id",
                        column: x => x.key_id,
                        principalTable: "open311_keys",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_open311_updates_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "ix_status_changes_at",
                table: "status_changes",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_open311_keys_hash",
                table: "open311_keys",
                column: "hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions",
                column: "created_at",
                filter: "email IS NOT NULL OR first_name IS NOT NULL OR last_name IS NOT NULL OR phone IS NOT NULL OR device_id IS NOT NULL OR account_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_key_id",
                table: "open311_submissions",
                column: "key_id");

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_report_id",
                table: "open311_submissions",
                column: "report_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_unplaced",
                table: "open311_submissions",
                column: "id",
                filter: "report_id IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_open311_updates_at",
                table: "open311_updates",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_open311_updates_key_id_report_id_client_id",
                table: "open311_updates",
                columns: new[] { "key_id", "report_id", "client_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_open311_updates_report_id",
                table: "open311_updates",
                column: "report_id");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "open311_submissions");

            migrationBuilder.DropTable(
                name: "open311_updates");

            migrationBuilder.DropTable(
                name: "open311_keys");

            migrationBuilder.DropIndex(
                name: "ix_status_changes_at",
                table: "status_changes");
        }
    }
}
