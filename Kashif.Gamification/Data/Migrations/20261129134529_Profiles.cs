using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

#pragma warning disable CA1814 // Prefer jagged arrays over multidimensional

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class Profiles : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<bool>(
                name: "hidden",
                table: "balances",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.CreateTable(
                name: "achievements",
                columns: table => new
                {
                    code = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    title_en = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    title_ar = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    description_en = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    description_ar = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    kind = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    metric = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    threshold = table.Column<int>(type: "integer", nullable: false),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    active = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_achievements", x => x.code);
                    table.CheckConstraint("ck_achievements_threshold", "threshold > 0");
                });

            migrationBuilder.CreateTable(
                name: "levels",
                columns: table => new
                {
                    level = table.Column<int>(type: "integer", nullable: false),
                    threshold = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_levels", x => x.level);
                });

            migrationBuilder.CreateTable(
                name: "profiles",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    display_name = table.Column<string>(type: "character varying(30)", maxLength: 30, nullable: true),
                    folded_name = table.Column<string>(type: "character varying(540)", maxLength: 540, nullable: true),
                    name_status = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: true),
                    named_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    name_reason = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: true),
                    moderated_by = table.Column<Guid>(type: "uuid", nullable: true),
                    renamed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    @public = table.Column<bool>(name: "public", type: "boolean", nullable: false),
                    on_leaderboard = table.Column<bool>(type: "boolean", nullable: false),
                    xmin = table.Column<uint>(type: "xid", rowVersion: true, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_profiles", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "scoped_totals",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    period = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    starts_on = table.Column<DateOnly>(type: "date", nullable: false),
                    area = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    points = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_scoped_totals", x => new { x.user_id, x.period, x.starts_on, x.area, x.category });
                });

            migrationBuilder.CreateTable(
                name: "unlocked_achievements",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    code = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    unlocked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_unlocked_achievements", x => new { x.user_id, x.code });
                });

            migrationBuilder.InsertData(
                table: "achievements",
                columns: new[] { "code", "active", "category", "description_ar", "description_en", "kind", "metric", "threshold", "title_ar", "title_en" },
                values: new object[,]
                {
                    { "clean_streets", true, "garbage", "تم التحقق من خمسة بلاغات لك عن النفايات.", "Five of your reports of garbage are verified.", "badge", "reports_verified", 5, "شوارع نظيفة", "Clean streets" },
                    { "first_report", true, null, "قدّم أول بلاغ لك.", "File your first report.", "milestone", "reports_filed", 1, "أول بلاغ", "First report" },
                    { "first_resolved", true, null, "عالجت المدينة أحد بلاغاتك.", "The city resolves one of your reports.", "milestone", "reports_resolved", 1, "أول إصلاح", "First repair" },
                    { "friend_of_trees", true, "park", "تم التحقق من خمسة بلاغات لك عن الحدائق والأشجار.", "Five of your reports of parks and trees are verified.", "badge", "reports_verified", 5, "صديق الأشجار", "Friend of the trees" },
                    { "lamplighter", true, "street_light", "تم التحقق من خمسة بلاغات لك عن إنارة الشوارع.", "Five of your reports of street lights are verified.", "badge", "reports_verified", 5, "مُضيء الشوارع", "Lamplighter" },
                    { "level_10", true, null, "ابلغ المستوى العاشر.", "Reach level 10.", "level", "level", 10, "المستوى العاشر", "Level 10" },
                    { "level_5", true, null, "ابلغ المستوى الخامس.", "Reach level 5.", "level", "level", 5, "المستوى الخامس", "Level 5" },
                    { "points_1000", true, null, "اكسب ألف نقطة.", "Earn a thousand points.", "milestone", "points", 1000, "ألف نقطة", "A thousand points" },
                    { "pothole_spotter", true, "pothole", "تم التحقق من خمسة بلاغات لك عن الحفر.", "Five of your reports of potholes are verified.", "badge", "reports_verified", 5, "راصد الحفر", "Pothole spotter" },
                    { "reports_resolved_25", true, null, "عالجت المدينة خمسة وعشرين بلاغاً لك.", "The city resolves 25 of your reports.", "milestone", "reports_resolved", 25, "مُصلح المدينة", "City improver" },
                    { "reports_verified_10", true, null, "تم التحقق من عشرة بلاغات لك.", "Ten of your reports are verified.", "milestone", "reports_verified", 10, "عين يقظة", "Keen eye" },
                    { "reports_verified_50", true, null, "تم التحقق من خمسين بلاغاً لك.", "Fifty of your reports are verified.", "milestone", "reports_verified", 50, "حارس المدينة", "Guardian of the city" },
                    { "streak_30", true, null, "قدّم بلاغات في ثلاثين يوماً متتالياً.", "Report on thirty days in a row.", "streak", "streak_days", 30, "شهر متواصل", "A month in a row" },
                    { "streak_7", true, null, "قدّم بلاغات في سبعة أيام متتالية.", "Report on seven days in a row.", "streak", "streak_days", 7, "أسبوع متواصل", "A week in a row" },
                    { "water_saver", true, "water_leak", "تم التحقق من خمسة بلاغات لك عن تسرب المياه.", "Five of your reports of water leaks are verified.", "badge", "reports_verified", 5, "حافظ المياه", "Water saver" }
                });

            migrationBuilder.InsertData(
                table: "levels",
                columns: new[] { "level", "threshold" },
                values: new object[,]
                {
                    { 1, 0L },
                    { 2, 50L },
                    { 3, 150L },
                    { 4, 300L },
                    { 5, 600L },
                    { 6, 1000L },
                    { 7, 2000L },
                    { 8, 4000L },
                    { 9, 8000L },
                    { 10, 15000L }
                });

            migrationBuilder.CreateIndex(
                name: "ix_report_events_user_id_status_report_id",
                table: "report_events",
                columns: new[] { "user_id", "status", "report_id" })
                .Annotation("Npgsql:IndexInclude", new[] { "category", "event", "by_owner" });

            migrationBuilder.CreateIndex(
                name: "ix_balances_user_id",
                table: "balances",
                column: "user_id",
                filter: "hidden");

            migrationBuilder.CreateIndex(
                name: "ix_profiles_folded_name",
                table: "profiles",
                column: "folded_name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_profiles_moderated_by",
                table: "profiles",
                column: "moderated_by",
                filter: "moderated_by IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_profiles_named_at_user_id",
                table: "profiles",
                columns: new[] { "named_at", "user_id" },
                filter: "name_status = 'pending'");

            migrationBuilder.CreateIndex(
                name: "ix_scoped_totals_period_starts_on_area_category_points_user_id",
                table: "scoped_totals",
                columns: new[] { "period", "starts_on", "area", "category", "points", "user_id" },
                descending: new[] { false, false, false, false, true, false });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "achievements");

            migrationBuilder.DropTable(
                name: "levels");

            migrationBuilder.DropTable(
                name: "profiles");

            migrationBuilder.DropTable(
                name: "scoped_totals");

            migrationBuilder.DropTable(
                name: "unlocked_achievements");

            migrationBuilder.DropIndex(
                name: "ix_report_events_user_id_status_report_id",
                table: "report_events");

            migrationBuilder.DropIndex(
                name: "ix_balances_user_id",
                table: "balances");

            migrationBuilder.DropColumn(
                name: "hidden",
                table: "balances");
        }
    }
}
