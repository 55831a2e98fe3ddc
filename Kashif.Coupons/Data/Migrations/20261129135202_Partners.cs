using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Kashif.Coupons.Data.Migrations
{
    /// <inheritdoc />
    public partial class Partners : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_redemptions_code",
                table: "redemptions");

            migrationBuilder.AlterColumn<string>(
                name: "code",
                table: "redemptions",
                type: "character varying(64)",
                maxLength: 64,
                nullable: true,
                oldClrType: typeof(string),
                oldType: "character varying(12)",
                oldMaxLength: 12,
                oldNullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "cancelled_at",
                table: "redemptions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "code_mode",
                table: "redemptions",
                type: "character varying(20)",
                maxLength: 20,
                nullable: false,
                defaultValue: "generated");

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "used_at",
                table: "redemptions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "area",
                table: "coupons",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "code_mode",
                table: "coupons",
                type: "character varying(20)",
                maxLength: 20,
                nullable: false,
                defaultValue: "generated");

            migrationBuilder.AddColumn<int>(
                name: "min_level",
                table: "coupons",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "revision",
                table: "coupons",
                type: "integer",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<string>(
                name: "shared_code",
                table: "coupons",
                type: "character varying(64)",
                maxLength: 64,
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "withdrawn_at",
                table: "coupons",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "code_signing_keys",
                columns: table => new
                {
                    id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    protected_key = table.Column<byte[]>(type: "bytea", nullable: false),
                    public_key = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_code_signing_keys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "company_partners",
                columns: table => new
                {
                    company_id = table.Column<int>(type: "integer", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_company_partners", x => new { x.company_id, x.user_id });
                    table.ForeignKey(
                        name: "fk_company_partners_companies_company_id",
                        column: x => x.company_id,
                        principalTable: "companies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "coupon_codes",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    coupon_id = table.Column<int>(type: "integer", nullable: false),
                    company_id = table.Column<int>(type: "integer", nullable: false),
                    code = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    redemption_id = table.Column<Guid>(type: "uuid", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_coupon_codes", x => x.id);
                    table.CheckConstraint("ck_coupon_codes_redemption_id", "(redemption_id IS NULL) = (state = 'unused')");
                    table.ForeignKey(
                        name: "fk_coupon_codes_coupons_coupon_id",
                        column: x => x.coupon_id,
                        principalTable: "coupons",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "stock_movements",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    coupon_id = table.Column<int>(type: "integer", nullable: false),
                    kind = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    quantity = table.Column<int>(type: "integer", nullable: false),
                    redemption_id = table.Column<Guid>(type: "uuid", nullable: true),
                    actor_id = table.Column<Guid>(type: "uuid", nullable: true),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_stock_movements", x => x.id);
                    table.CheckConstraint("ck_stock_movements_quantity", "quantity <> 0");
                    table.ForeignKey(
                        name: "fk_stock_movements_coupons_coupon_id",
                        column: x => x.coupon_id,
                        principalTable: "coupons",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateIndex(
                name: "ix_redemptions_code",
                table: "redemptions",
                column: "code");

            migrationBuilder.CreateIndex(
                name: "ix_redemptions_coupon_id_id",
                table: "redemptions",
                columns: new[] { "coupon_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_redemptions_generated_code",
                table: "redemptions",
                column: "code",
                unique: true,
                filter: "code_mode = 'generated'");

            migrationBuilder.AddCheckConstraint(
                name: "ck_redemptions_used_at",
                table: "redemptions",
                sql: "used_at IS NULL OR status = 'completed'");

            migrationBuilder.AddCheckConstraint(
                name: "ck_coupons_shared_code",
                table: "coupons",
                sql: "(shared_code IS NOT NULL) = (code_mode = 'shared')");

            migrationBuilder.CreateIndex(
                name: "ix_company_partners_user_id",
                table: "company_partners",
                column: "user_id");

            migrationBuilder.CreateIndex(
                name: "ix_coupon_codes_company_id_code",
                table: "coupon_codes",
                columns: new[] { "company_id", "code" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_coupon_codes_coupon_id_id",
                table: "coupon_codes",
                columns: new[] { "coupon_id", "id" },
                filter: "state = 'unused'");

            migrationBuilder.CreateIndex(
                name: "ix_coupon_codes_redemption_id",
                table: "coupon_codes",
                column: "redemption_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_stock_movements_actor_id",
                table: "stock_movements",
                column: "actor_id",
                filter: "actor_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_stock_movements_coupon_id_id",
                table: "stock_movements",
                columns: new[] { "coupon_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_stock_movements_redemption_id_kind",
                table: "stock_movements",
                columns: new[] { "redemption_id", "kind" },
                unique: true,
                filter: "redemption_id IS NOT NULL");

            // The ledger of the coupons that exist: each sum is the stock.
            migrationBuilder.Sql("""
                INSERT INTO stock_movements (coupon_id, kind, quantity, redemption_id, at)
                SELECT * FROM (
                    SELECT id, 'initial', initial_stock, NULL::uuid, created_at FROM coupons WHERE initial_stock <> 0
                    UNION ALL
                    SELECT id, 'restocked', restocked, NULL, created_at FROM coupons WHERE restocked <> 0
                    UNION ALL
                    SELECT coupon_id, 'reserved', -1, id, created_at FROM redemptions WHERE status <> 'cancelled') AS movements
                ORDER BY created_at;

                INSERT INTO stock_movements (coupon_id, kind, quantity, at)
                SELECT id, 'corrected', stock - coalesce(ledger.total, 0), now() FROM coupons
                LEFT JOIN (SELECT coupon_id, sum(quantity)::int AS total FROM stock_movements GROUP BY coupon_id) AS ledger ON coupon_id = id
                WHERE stock <> coalesce(ledger.total, 0);
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "code_signing_keys");

            migrationBuilder.DropTable(
                name: "company_partners");

            migrationBuilder.DropTable(
                name: "coupon_codes");

            migrationBuilder.DropTable(
                name: "stock_movements");

            migrationBuilder.DropIndex(
                name: "ix_redemptions_code",
                table: "redemptions");

            migrationBuilder.DropIndex(
                name: "ix_redemptions_coupon_id_id",
                table: "redemptions");

            migrationBuilder.DropIndex(
                name: "ix_redemptions_generated_code",
                table: "redemptions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_redemptions_used_at",
                table: "redemptions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_coupons_shared_code",
                table: "coupons");

            migrationBuilder.DropColumn(
                name: "cancelled_at",
                table: "redemptions");

            migrationBuilder.DropColumn(
                name: "code_mode",
                table: "redemptions");

            migrationBuilder.DropColumn(
                name: "used_at",
                table: "redemptions");

            migrationBuilder.DropColumn(
                name: "area",
                table: "coupons");

            migrationBuilder.DropColumn(
                name: "code_mode",
                table: "coupons");

            migrationBuilder.DropColumn(
                name: "min_level",
                table: "coupons");

            migrationBuilder.DropColumn(
                name: "revision",
                table: "coupons");

            migrationBuilder.DropColumn(
                name: "shared_code",
                table: "coupons");

            migrationBuilder.DropColumn(
                name: "withdrawn_at",
                table: "coupons");

            migrationBuilder.AlterColumn<string>(
                name: "code",
                table: "redemptions",
                type: "character varying(12)",
                maxLength: 12,
                nullable: true,
                oldClrType: typeof(string),
                oldType: "character varying(64)",
                oldMaxLength: 64,
                oldNullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_redemptions_code",
                table: "redemptions",
                column: "code",
                unique: true);
        }
    }
}
