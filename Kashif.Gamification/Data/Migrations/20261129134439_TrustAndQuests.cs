using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class TrustAndQuests : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "budgets",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    name = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    sponsor = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: true),
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
                name: "quests",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    title_en = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    title_ar = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
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
                table: "trust_models",
                columns: new[] { "version", "auc", "default_log_loss", "intercept", "log_loss", "reason", "samples", "status", "thresholds", "trained_at", "weights" },
                values: new object[] { 1, null, null, 0.0, null, null, 0, "active", new[] { 20, 40, 60, 80 }, new DateTimeOffset(new DateTime(2026, 11, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)), "{\"verified_rate\":2,\"resolved_rate\":1.5,\"rejected_rate\":-5,\"duplicate_rate\":-1,\"withdrawn_rate\":-1.5,\"experience\":1,\"history\":0.5}" });

            migrationBuilder.CreateIndex(
                name: "ix_budgets_name",
                table: "budgets",
                column: "name",
                unique: true);

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
                name: "quest_participations");

            migrationBuilder.DropTable(
                name: "trust_models");

            migrationBuilder.DropTable(
                name: "trust_scores");

            migrationBuilder.DropTable(
                name: "quests");

            migrationBuilder.DropTable(
                name: "budgets");
        }
    }
}
