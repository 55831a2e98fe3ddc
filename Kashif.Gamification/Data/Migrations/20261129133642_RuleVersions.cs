using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

#pragma warning disable CA1814 // Prefer jagged arrays over multidimensional

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class RuleVersions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The table rules stays for the version before, which may run beside this one. The next version drops it.
            migrationBuilder.CreateTable(
                name: "rule_versions",
                columns: table => new
                {
                    version = table.Column<int>(type: "integer", nullable: false),
                    status = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    created_by = table.Column<Guid>(type: "uuid", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    activated_by = table.Column<Guid>(type: "uuid", nullable: true),
                    activated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    note = table.Column<string>(type: "character varying(500)", maxLength: 500, nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rule_versions", x => x.version);
                    table.CheckConstraint("ck_rule_versions_activated_at", "(status = 'draft') = (activated_at IS NULL)");
                });

            migrationBuilder.CreateTable(
                name: "rule_lines",
                columns: table => new
                {
                    version = table.Column<int>(type: "integer", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    code = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    @event = table.Column<string>(name: "event", type: "character varying(100)", maxLength: 100, nullable: false),
                    status = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    area = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    from_day = table.Column<DateOnly>(type: "date", nullable: true),
                    until_day = table.Column<DateOnly>(type: "date", nullable: true),
                    days = table.Column<int[]>(type: "integer[]", nullable: true),
                    from_time = table.Column<TimeOnly>(type: "time without time zone", nullable: true),
                    until_time = table.Column<TimeOnly>(type: "time without time zone", nullable: true),
                    points = table.Column<int>(type: "integer", nullable: false),
                    multiplier = table.Column<decimal>(type: "numeric(5,2)", precision: 5, scale: 2, nullable: false),
                    daily_limit = table.Column<int>(type: "integer", nullable: true),
                    weekly_limit = table.Column<int>(type: "integer", nullable: true),
                    expires_after_days = table.Column<int>(type: "integer", nullable: true),
                    vesting = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    reversible = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rule_lines", x => new { x.version, x.number });
                    table.CheckConstraint("ck_rule_lines_points", "points >= 0 AND multiplier > 0 AND daily_limit >= 0 AND weekly_limit >= 0");
                    table.CheckConstraint("ck_rule_lines_times", "(from_time IS NULL) = (until_time IS NULL)");
                    table.ForeignKey(
                        name: "fk_rule_lines_rule_versions_version",
                        column: x => x.version,
                        principalTable: "rule_versions",
                        principalColumn: "version",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.InsertData(
                table: "rule_versions",
                columns: new[] { "version", "activated_at", "activated_by", "created_at", "created_by", "note", "status" },
                values: new object[] { 1, new DateTimeOffset(new DateTime(2000, 1, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)), null, new DateTimeOffset(new DateTime(2000, 1, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)), null, null, "active" });

            migrationBuilder.InsertData(
                table: "rule_lines",
                columns: new[] { "number", "version", "area", "category", "code", "daily_limit", "days", "event", "expires_after_days", "from_day", "from_time", "multiplier", "points", "reversible", "status", "until_day", "until_time", "vesting", "weekly_limit" },
                values: new object[,]
                {
                    { 0, 1, null, null, "report_created", 100, null, "report.created", null, null, null, 1m, 10, true, null, null, null, "immediate", null },
                    { 1, 1, null, null, "report_verified", null, null, "report.status_updated", null, null, null, 1m, 5, false, "verified", null, null, "immediate", null },
                    { 2, 1, null, null, "report_resolved", null, null, "report.status_updated", null, null, null, 1m, 50, false, "resolved", null, null, "immediate", null }
                });

            migrationBuilder.CreateIndex(
                name: "ix_point_transactions_reference",
                table: "point_transactions",
                column: "reference",
                filter: "rule IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_rule_versions_activated_by",
                table: "rule_versions",
                column: "activated_by");

            migrationBuilder.CreateIndex(
                name: "ix_rule_versions_created_by",
                table: "rule_versions",
                column: "created_by");

            migrationBuilder.CreateIndex(
                name: "ix_rule_versions_status",
                table: "rule_versions",
                column: "status",
                unique: true,
                filter: "status = 'active'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "rule_lines");

            migrationBuilder.DropTable(
                name: "rule_versions");

            migrationBuilder.DropIndex(
                name: "ix_point_transactions_reference",
                table: "point_transactions");
        }
    }
}
