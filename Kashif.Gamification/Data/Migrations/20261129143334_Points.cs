using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

#pragma warning disable CA1814 // Prefer jagged arrays over multidimensional

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class Points : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // The table rules stays for the version before, which may run beside this one. The next version drops it.
            migrationBuilder.AlterColumn<string>(
                name: "note",
                table: "point_transactions",
                type: "text",
                nullable: true,
                oldClrType: typeof(string),
                oldType: "character varying(500)",
                oldMaxLength: 500,
                oldNullable: true);

            migrationBuilder.AlterColumn<int>(
                name: "coupon_id",
                table: "debits",
                type: "integer",
                nullable: true,
                oldClrType: typeof(int),
                oldType: "integer");

            migrationBuilder.AddColumn<Guid>(
                name: "order_id",
                table: "debits",
                type: "uuid",
                nullable: true);

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
                name: "budgets",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    name = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    sponsor = table.Column<string>(type: "text", nullable: true),
                    company_id = table.Column<int>(type: "integer", nullable: true),
                    points = table.Column<long>(type: "bigint", nullable: false),
                    reserved = table.Column<long>(type: "bigint", nullable: false),
                    spent = table.Column<long>(type: "bigint", nullable: false),
                    starts_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_budgets", x => x.id);
                    table.CheckConstraint("ck_budgets_points", "reserved >= 0 AND spent >= 0 AND reserved + spent <= points");
                    table.CheckConstraint("ck_budgets_window", "ends_at > starts_at");
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
                name: "point_expiries",
                columns: table => new
                {
                    transaction_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_point_expiries", x => x.transaction_id);
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
                    name_reason = table.Column<string>(type: "text", nullable: true),
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
                name: "rule_versions",
                columns: table => new
                {
                    version = table.Column<int>(type: "integer", nullable: false),
                    status = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    created_by = table.Column<Guid>(type: "uuid", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    activated_by = table.Column<Guid>(type: "uuid", nullable: true),
                    activated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    note = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rule_versions", x => x.version);
                    table.CheckConstraint("ck_rule_versions_activated_at", "(status = 'draft') = (activated_at IS NULL)");
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
                name: "trust_models",
                columns: table => new
                {
                    version = table.Column<int>(type: "integer", nullable: false),
                    weights = table.Column<string>(type: "jsonb", nullable: false),
                    intercept = table.Column<double>(type: "double precision", nullable: false),
                    thresholds = table.Column<int[]>(type: "integer[]", nullable: false),
                    trained_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    samples = table.Column<int>(type: "integer", nullable: false),
                    log_loss = table.Column<double>(type: "double precision", nullable: true),
                    default_log_loss = table.Column<double>(type: "double precision", nullable: true),
                    auc = table.Column<double>(type: "double precision", nullable: true),
                    status = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    reason = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_trust_models", x => x.version);
                });

            migrationBuilder.CreateTable(
                name: "trust_scores",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    score = table.Column<int>(type: "integer", nullable: false),
                    model_version = table.Column<int>(type: "integer", nullable: false),
                    changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_trust_scores", x => x.user_id);
                    table.CheckConstraint("ck_trust_scores_score", "score BETWEEN 0 AND 100");
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

            migrationBuilder.CreateTable(
                name: "quests",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    title_en = table.Column<string>(type: "text", nullable: false),
                    title_ar = table.Column<string>(type: "text", nullable: false),
                    description_en = table.Column<string>(type: "text", nullable: false),
                    description_ar = table.Column<string>(type: "text", nullable: false),
                    @event = table.Column<string>(name: "event", type: "character varying(100)", maxLength: 100, nullable: false),
                    status = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    latitude = table.Column<double>(type: "double precision", nullable: true),
                    longitude = table.Column<double>(type: "double precision", nullable: true),
                    radius_km = table.Column<double>(type: "double precision", nullable: true),
                    count = table.Column<int>(type: "integer", nullable: false),
                    reward = table.Column<int>(type: "integer", nullable: false),
                    budget_id = table.Column<int>(type: "integer", nullable: false),
                    max_winners = table.Column<int>(type: "integer", nullable: true),
                    days = table.Column<int>(type: "integer", nullable: true),
                    starts_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    cancelled_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_quests", x => x.id);
                    table.CheckConstraint("ck_quests_numbers", "count > 0 AND reward > 0 AND max_winners > 0 AND days > 0");
                    table.CheckConstraint("ck_quests_place", "(latitude IS NULL) = (longitude IS NULL) AND (latitude IS NULL) = (radius_km IS NULL) AND latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180 AND radius_km > 0");
                    table.CheckConstraint("ck_quests_window", "ends_at > starts_at");
                    table.ForeignKey(
                        name: "fk_quests_budgets_budget_id",
                        column: x => x.budget_id,
                        principalTable: "budgets",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
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

            migrationBuilder.CreateTable(
                name: "quest_participations",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    quest_id = table.Column<int>(type: "integer", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    budget_id = table.Column<int>(type: "integer", nullable: false),
                    reward = table.Column<int>(type: "integer", nullable: false),
                    status = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    joined_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    deadline = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_quest_participations", x => x.id);
                    table.ForeignKey(
                        name: "fk_quest_participations_budgets_budget_id",
                        column: x => x.budget_id,
                        principalTable: "budgets",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_quest_participations_quests_quest_id",
                        column: x => x.quest_id,
                        principalTable: "quests",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
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

            migrationBuilder.InsertData(
                table: "rule_versions",
                columns: new[] { "version", "activated_at", "activated_by", "created_at", "created_by", "note", "status" },
                values: new object[] { 1, new DateTimeOffset(new DateTime(2000, 1, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)), null, new DateTimeOffset(new DateTime(2000, 1, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)), null, null, "active" });

            migrationBuilder.InsertData(
                table: "trust_models",
                columns: new[] { "version", "auc", "default_log_loss", "intercept", "log_loss", "reason", "samples", "status", "thresholds", "trained_at", "weights" },
                values: new object[] { 1, null, null, 0.0, null, null, 0, "active", new[] { 20, 40, 60, 80 }, new DateTimeOffset(new DateTime(2026, 11, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)), "{\"verified_rate\":2,\"resolved_rate\":1.5,\"rejected_rate\":-5,\"duplicate_rate\":-1,\"withdrawn_rate\":-1.5,\"experience\":1,\"history\":0.5}" });

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
                name: "ix_report_events_user_id_status_report_id",
                table: "report_events",
                columns: new[] { "user_id", "status", "report_id" })
                .Annotation("Npgsql:IndexInclude", new[] { "category", "event", "by_owner" });

            migrationBuilder.CreateIndex(
                name: "ix_point_transactions_reference",
                table: "point_transactions",
                column: "reference",
                filter: "rule IS NOT NULL");

            migrationBuilder.AddCheckConstraint(
                name: "ck_debits_purchase",
                table: "debits",
                sql: "(coupon_id IS NULL) <> (order_id IS NULL)");

            migrationBuilder.CreateIndex(
                name: "ix_balances_user_id",
                table: "balances",
                column: "user_id",
                filter: "hidden");

            migrationBuilder.CreateIndex(
                name: "ix_budgets_name",
                table: "budgets",
                column: "name",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_point_expiries_expires_at",
                table: "point_expiries",
                column: "expires_at");

            migrationBuilder.CreateIndex(
                name: "ix_point_expiries_user_id",
                table: "point_expiries",
                column: "user_id");

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
                name: "ix_quest_participations_budget_id",
                table: "quest_participations",
                column: "budget_id");

            migrationBuilder.CreateIndex(
                name: "ix_quest_participations_deadline",
                table: "quest_participations",
                column: "deadline",
                filter: "status = 'joined'");

            migrationBuilder.CreateIndex(
                name: "ix_quest_participations_quest_id",
                table: "quest_participations",
                column: "quest_id");

            migrationBuilder.CreateIndex(
                name: "ix_quest_participations_quest_id_user_id",
                table: "quest_participations",
                columns: new[] { "quest_id", "user_id" },
                unique: true,
                filter: "user_id <> '00000000-0000-0000-0000-000000000000'");

            migrationBuilder.CreateIndex(
                name: "ix_quest_participations_user_id_id",
                table: "quest_participations",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_quests_budget_id",
                table: "quests",
                column: "budget_id");

            migrationBuilder.CreateIndex(
                name: "ix_quests_ends_at",
                table: "quests",
                column: "ends_at",
                filter: "cancelled_at IS NULL");

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

            migrationBuilder.CreateIndex(
                name: "ix_scoped_totals_period_starts_on_area_category_points_user_id",
                table: "scoped_totals",
                columns: new[] { "period", "starts_on", "area", "category", "points", "user_id" },
                descending: new[] { false, false, false, false, true, false });

            migrationBuilder.CreateIndex(
                name: "ix_trust_models_status",
                table: "trust_models",
                column: "status",
                unique: true,
                filter: "status = 'active'");

            migrationBuilder.CreateIndex(
                name: "ix_trust_scores_model_version_user_id",
                table: "trust_scores",
                columns: new[] { "model_version", "user_id" });

            // Computed after the start: no model has the version 0.
            migrationBuilder.Sql("""
                INSERT INTO trust_scores (user_id, score, model_version, changed_at)
                SELECT DISTINCT user_id, 50, 0, now() FROM report_events
                WHERE status IS NOT NULL AND user_id <> '00000000-0000-0000-0000-000000000000'
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "achievements");

            migrationBuilder.DropTable(
                name: "levels");

            migrationBuilder.DropTable(
                name: "point_expiries");

            migrationBuilder.DropTable(
                name: "profiles");

            migrationBuilder.DropTable(
                name: "quest_participations");

            migrationBuilder.DropTable(
                name: "rule_lines");

            migrationBuilder.DropTable(
                name: "scoped_totals");

            migrationBuilder.DropTable(
                name: "trust_models");

            migrationBuilder.DropTable(
                name: "trust_scores");

            migrationBuilder.DropTable(
                name: "unlocked_achievements");

            migrationBuilder.DropTable(
                name: "quests");

            migrationBuilder.DropTable(
                name: "rule_versions");

            migrationBuilder.DropTable(
                name: "budgets");

            migrationBuilder.DropIndex(
                name: "ix_report_events_user_id_status_report_id",
                table: "report_events");

            migrationBuilder.DropIndex(
                name: "ix_point_transactions_reference",
                table: "point_transactions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_debits_purchase",
                table: "debits");

            migrationBuilder.DropIndex(
                name: "ix_balances_user_id",
                table: "balances");

            migrationBuilder.DropColumn(
                name: "order_id",
                table: "debits");

            migrationBuilder.DropColumn(
                name: "hidden",
                table: "balances");

            migrationBuilder.AlterColumn<string>(
                name: "note",
                table: "point_transactions",
                type: "character varying(500)",
                maxLength: 500,
                nullable: true,
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true);

            migrationBuilder.AlterColumn<int>(
                name: "coupon_id",
                table: "debits",
                type: "integer",
                nullable: false,
                defaultValue: 0,
                oldClrType: typeof(int),
                oldType: "integer",
                oldNullable: true);
        }
    }
}
