using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Kashif.Coupons.Data.Migrations
{
    /// <inheritdoc />
    public partial class PartnersAndShop : Migration
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
                name: "orders",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    status = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    total_points = table.Column<int>(type: "integer", nullable: false),
                    shipping_address = table.Column<string>(type: "jsonb", nullable: true),
                    billing_address = table.Column<string>(type: "jsonb", nullable: true),
                    cancel_reason = table.Column<string>(type: "character varying(30)", maxLength: 30, nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    paid_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    version = table.Column<int>(type: "integer", nullable: false),
                    leased_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_orders", x => x.id);
                    table.CheckConstraint("ck_orders_cancel_reason", "(cancel_reason IS NOT NULL) = (status IN ('cancelling', 'cancelled'))");
                    table.CheckConstraint("ck_orders_paid_at", "CASE status WHEN 'placed' THEN paid_at IS NULL WHEN 'cancelling' THEN true WHEN 'cancelled' THEN true ELSE paid_at IS NOT NULL END");
                    table.CheckConstraint("ck_orders_total_points", "total_points > 0");
                });

            migrationBuilder.CreateTable(
                name: "products",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    sku = table.Column<string>(type: "character varying(40)", maxLength: 40, nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    description = table.Column<string>(type: "text", nullable: false),
                    category_id = table.Column<int>(type: "integer", nullable: false),
                    company_id = table.Column<int>(type: "integer", nullable: true),
                    points_cost = table.Column<int>(type: "integer", nullable: false),
                    on_hand = table.Column<int>(type: "integer", nullable: false),
                    reserved = table.Column<int>(type: "integer", nullable: false),
                    stock_version = table.Column<int>(type: "integer", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    withdrawn_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_products", x => x.id);
                    table.CheckConstraint("ck_products_points_cost", "points_cost > 0");
                    table.CheckConstraint("ck_products_stock", "reserved >= 0 AND on_hand >= reserved");
                    table.ForeignKey(
                        name: "fk_products_categories_category_id",
                        column: x => x.category_id,
                        principalTable: "categories",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_products_companies_company_id",
                        column: x => x.company_id,
                        principalTable: "companies",
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

            migrationBuilder.CreateTable(
                name: "order_items",
                columns: table => new
                {
                    order_id = table.Column<Guid>(type: "uuid", nullable: false),
                    product_id = table.Column<int>(type: "integer", nullable: false),
                    sku = table.Column<string>(type: "character varying(40)", maxLength: 40, nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    company_id = table.Column<int>(type: "integer", nullable: true),
                    quantity = table.Column<int>(type: "integer", nullable: false),
                    points_cost = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_order_items", x => new { x.order_id, x.product_id });
                    table.CheckConstraint("ck_order_items_quantity", "quantity > 0 AND points_cost > 0");
                    table.ForeignKey(
                        name: "fk_order_items_orders_order_id",
                        column: x => x.order_id,
                        principalTable: "orders",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_order_items_products_product_id",
                        column: x => x.product_id,
                        principalTable: "products",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "product_movements",
                columns: table => new
                {
                    product_id = table.Column<int>(type: "integer", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    kind = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    quantity = table.Column<int>(type: "integer", nullable: false),
                    on_hand = table.Column<int>(type: "integer", nullable: false),
                    reserved = table.Column<int>(type: "integer", nullable: false),
                    order_id = table.Column<Guid>(type: "uuid", nullable: true),
                    reason = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_product_movements", x => new { x.product_id, x.version });
                    table.CheckConstraint("ck_product_movements_quantity", "quantity > 0 OR kind = 'adjusted' AND quantity <> 0");
                    table.ForeignKey(
                        name: "fk_product_movements_orders_order_id",
                        column: x => x.order_id,
                        principalTable: "orders",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_product_movements_products_product_id",
                        column: x => x.product_id,
                        principalTable: "products",
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
                name: "ix_order_items_company_id_order_id",
                table: "order_items",
                columns: new[] { "company_id", "order_id" });

            migrationBuilder.CreateIndex(
                name: "ix_order_items_product_id",
                table: "order_items",
                column: "product_id");

            migrationBuilder.CreateIndex(
                name: "ix_orders_leased_until",
                table: "orders",
                column: "leased_until",
                filter: "status IN ('placed', 'cancelling')");

            migrationBuilder.CreateIndex(
                name: "ix_orders_user_id",
                table: "orders",
                column: "user_id",
                filter: "status IN ('placed', 'cancelling')");

            migrationBuilder.CreateIndex(
                name: "ix_orders_user_id_id",
                table: "orders",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_product_movements_order_id",
                table: "product_movements",
                column: "order_id");

            migrationBuilder.CreateIndex(
                name: "ix_products_category_id",
                table: "products",
                column: "category_id");

            migrationBuilder.CreateIndex(
                name: "ix_products_company_id",
                table: "products",
                column: "company_id");

            migrationBuilder.CreateIndex(
                name: "ix_products_sku",
                table: "products",
                column: "sku",
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
                name: "order_items");

            migrationBuilder.DropTable(
                name: "product_movements");

            migrationBuilder.DropTable(
                name: "stock_movements");

            migrationBuilder.DropTable(
                name: "orders");

            migrationBuilder.DropTable(
                name: "products");

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
