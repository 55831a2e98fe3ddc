using System;
using System.Text.Json;
using Kashif.Reporting.Reports;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class QuestionsAndPromises : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_reports_due",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions");

            migrationBuilder.AddColumn<JsonElement>(
                name: "answers",
                table: "open311_submissions",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "inactive_since",
                table: "categories",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "target_hours",
                table: "categories",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "version",
                table: "categories",
                type: "integer",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.CreateTable(
                name: "promises",
                columns: table => new
                {
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    area_id = table.Column<Guid>(type: "uuid", nullable: false),
                    hours = table.Column<double>(type: "double precision", nullable: false),
                    reports = table.Column<int>(type: "integer", nullable: false),
                    measured_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_promises", x => new { x.category, x.area_id });
                });

            migrationBuilder.CreateTable(
                name: "questions",
                columns: table => new
                {
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    code = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    type = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    position = table.Column<int>(type: "integer", nullable: false),
                    required = table.Column<bool>(type: "boolean", nullable: false),
                    @public = table.Column<bool>(name: "public", type: "boolean", nullable: false),
                    active = table.Column<bool>(type: "boolean", nullable: false),
                    text_en = table.Column<string>(type: "text", nullable: false),
                    text_ar = table.Column<string>(type: "text", nullable: false),
                    hint_en = table.Column<string>(type: "text", nullable: true),
                    hint_ar = table.Column<string>(type: "text", nullable: true),
                    choices = table.Column<string>(type: "jsonb", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_questions", x => new { x.category, x.code });
                    table.ForeignKey(
                        name: "fk_questions_categories_category",
                        column: x => x.category,
                        principalTable: "categories",
                        principalColumn: "code",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "report_answers",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    question = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    value = table.Column<JsonElement>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_answers", x => new { x.report_id, x.question });
                    table.ForeignKey(
                        name: "fk_report_answers_questions_category_question",
                        columns: x => new { x.category, x.question },
                        principalTable: "questions",
                        principalColumns: new[] { "category", "code" },
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_report_answers_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "abandoned_vehicle",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "garbage",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "graffiti",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "noise",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "other",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "park",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "pothole",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_damage",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_sign",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sewage",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sidewalk",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "street_light",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "traffic_signal",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "water_leak",
                columns: new[] { "inactive_since", "target_hours", "version" },
                values: new object[] { null, null, 1 });

            migrationBuilder.Sql(OverdueMarking.PromiseSql);

            migrationBuilder.CreateIndex(
                name: "ix_reports_agency_expected",
                table: "reports",
                columns: new[] { "agency_id", "expected_at", "id" },
                filter: "agency_id IS NOT NULL AND expected_at IS NOT NULL AND status IN ('submitted', 'verified', 'in_progress')");

            migrationBuilder.CreateIndex(
                name: "ix_reports_due",
                table: "reports",
                column: "expected_at",
                filter: "expected_at IS NOT NULL AND overdue_at IS NULL AND status IN ('submitted', 'verified', 'in_progress')");

            migrationBuilder.CreateIndex(
                name: "ix_reports_expected",
                table: "reports",
                columns: new[] { "expected_at", "id" },
                filter: "expected_at IS NOT NULL AND status IN ('submitted', 'verified', 'in_progress')");

            migrationBuilder.CreateIndex(
                name: "ix_reports_unpromised",
                table: "reports",
                column: "id",
                filter: "expected_at IS NULL AND due_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions",
                column: "created_at",
                filter: "email IS NOT NULL OR first_name IS NOT NULL OR last_name IS NOT NULL OR phone IS NOT NULL OR device_id IS NOT NULL OR account_id IS NOT NULL OR answers IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_report_answers_category_question",
                table: "report_answers",
                columns: new[] { "category", "question" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "promises");

            migrationBuilder.DropTable(
                name: "report_answers");

            migrationBuilder.DropTable(
                name: "questions");

            migrationBuilder.DropIndex(
                name: "ix_reports_agency_expected",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_due",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_expected",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_unpromised",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions");

            migrationBuilder.DropColumn(
                name: "answers",
                table: "open311_submissions");

            migrationBuilder.DropColumn(
                name: "inactive_since",
                table: "categories");

            migrationBuilder.DropColumn(
                name: "target_hours",
                table: "categories");

            migrationBuilder.DropColumn(
                name: "version",
                table: "categories");

            migrationBuilder.CreateIndex(
                name: "ix_reports_due",
                table: "reports",
                column: "due_at",
                filter: "due_at IS NOT NULL AND overdue_at IS NULL AND status IN ('submitted', 'verified', 'in_progress')");

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions",
                column: "created_at",
                filter: "email IS NOT NULL OR first_name IS NOT NULL OR last_name IS NOT NULL OR phone IS NOT NULL OR device_id IS NOT NULL OR account_id IS NOT NULL");
        }
    }
}
