using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <summary>Sums up the ledger of this month and week once. The former version writes no totals: stop it before.</summary>
    public partial class PeriodTotals : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_point_transactions_created_at",
                table: "point_transactions");

            migrationBuilder.CreateTable(
                name: "period_totals",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    period = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    starts_on = table.Column<DateOnly>(type: "date", nullable: false),
                    points = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_period_totals", x => new { x.user_id, x.period, x.starts_on });
                });

            migrationBuilder.CreateIndex(
                name: "ix_period_totals_period_starts_on_points_user_id",
                table: "period_totals",
                columns: new[] { "period", "starts_on", "points", "user_id" },
                descending: new[] { false, false, true, false });

            migrationBuilder.Sql("""
                INSERT INTO period_totals (user_id, period, starts_on, points)
                SELECT user_id, name, date_trunc(name, created_at AT TIME ZONE 'UTC')::date AS starts_on, sum(points)
                FROM point_transactions CROSS JOIN (VALUES ('month'), ('week')) AS period (name)
                WHERE rule IS NOT NULL AND user_id <> '00000000-0000-0000-0000-000000000000'
                AND created_at AT TIME ZONE 'UTC' >= date_trunc(name, now() AT TIME ZONE 'UTC')
                GROUP BY user_id, name, starts_on
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "period_totals");

            migrationBuilder.CreateIndex(
                name: "ix_point_transactions_created_at",
                table: "point_transactions",
                column: "created_at")
                .Annotation("Npgsql:IndexMethod", "brin");
        }
    }
}
