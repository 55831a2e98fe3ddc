using System;
using System.Text.Json;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Reports;
using Kashif.Reporting.Visits;
using Kashif.Reporting.WorkOrders;
using Microsoft.EntityFrameworkCore.Migrations;
using NetTopologySuite.Geometries;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class CitySide : Migration
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

            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:btree_gist", ",,")
                .Annotation("Npgsql:PostgresExtension:postgis", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:postgis", ",,");

            migrationBuilder.AddColumn<JsonElement>(
                name: "details",
                table: "status_changes",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "agency_id",
                table: "reports",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "area_id",
                table: "reports",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "assignee_id",
                table: "reports",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "expected_at",
                table: "reports",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "filed_by",
                table: "reports",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "routed_by_hand",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "hidden_at",
                table: "open311_updates",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "hidden_by",
                table: "open311_updates",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "hidden_reason",
                table: "open311_updates",
                type: "text",
                nullable: true);

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
                name: "agencies",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name_en = table.Column<string>(type: "text", nullable: false),
                    name_ar = table.Column<string>(type: "text", nullable: false),
                    email = table.Column<string>(type: "text", nullable: true),
                    phone = table.Column<string>(type: "text", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_agencies", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "audit_entries",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    actor_id = table.Column<Guid>(type: "uuid", nullable: false),
                    action = table.Column<string>(type: "text", nullable: false),
                    kind = table.Column<string>(type: "text", nullable: false),
                    subject_id = table.Column<Guid>(type: "uuid", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    values = table.Column<JsonElement>(type: "jsonb", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_audit_entries", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "imported_reports",
                columns: table => new
                {
                    client_id = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    imported_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_imported_reports", x => x.client_id);
                });

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
                name: "report_notes",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    text = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    edited_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_notes", x => x.id);
                    table.ForeignKey(
                        name: "fk_report_notes_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "routing_changes",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    changed_by = table.Column<Guid>(type: "uuid", nullable: false),
                    start_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_report_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_routing_changes", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "staff_accounts",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    is_staff = table.Column<bool>(type: "boolean", nullable: false),
                    changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_staff_accounts", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "surveys",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    title_en = table.Column<string>(type: "text", nullable: false),
                    title_ar = table.Column<string>(type: "text", nullable: false),
                    questions = table.Column<JsonElement>(type: "jsonb", nullable: false),
                    is_open = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    closed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_surveys", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "areas",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name_en = table.Column<string>(type: "text", nullable: false),
                    name_ar = table.Column<string>(type: "text", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    categories = table.Column<string[]>(type: "text[]", nullable: false),
                    boundary = table.Column<MultiPolygon>(type: "geometry (MultiPolygon, 4326)", nullable: false),
                    square_metres = table.Column<double>(type: "double precision", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_areas", x => x.id);
                    table.ForeignKey(
                        name: "fk_areas_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "crews",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    active = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_crews", x => x.id);
                    table.ForeignKey(
                        name: "fk_crews_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "employees",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    job = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    skills = table.Column<string[]>(type: "text[]", nullable: false),
                    active = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_employees", x => x.user_id);
                    table.ForeignKey(
                        name: "fk_employees_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "projects",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    name = table.Column<string>(type: "text", nullable: false),
                    description = table.Column<string>(type: "text", nullable: false),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    starts_on = table.Column<DateOnly>(type: "date", nullable: true),
                    ends_on = table.Column<DateOnly>(type: "date", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_projects", x => x.id);
                    table.CheckConstraint("ck_projects_dates", "ends_on >= starts_on");
                    table.ForeignKey(
                        name: "fk_projects_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "response_templates",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    category = table.Column<string>(type: "text", nullable: true),
                    status = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: true),
                    text_en = table.Column<string>(type: "text", nullable: false),
                    text_ar = table.Column<string>(type: "text", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_response_templates", x => x.id);
                    table.ForeignKey(
                        name: "fk_response_templates_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "vehicles",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    plate = table.Column<string>(type: "text", nullable: false),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    active = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_vehicles", x => x.id);
                    table.ForeignKey(
                        name: "fk_vehicles_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
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

            migrationBuilder.CreateTable(
                name: "survey_requests",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    survey_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    asked_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    answer_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    answers = table.Column<JsonElement>(type: "jsonb", nullable: true),
                    answered_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_survey_requests", x => x.report_id);
                    table.ForeignKey(
                        name: "fk_survey_requests_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_survey_requests_surveys_survey_id",
                        column: x => x.survey_id,
                        principalTable: "surveys",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "calendar_feeds",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    crew_id = table.Column<Guid>(type: "uuid", nullable: true),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_calendar_feeds", x => x.id);
                    table.ForeignKey(
                        name: "fk_calendar_feeds_crews_crew_id",
                        column: x => x.crew_id,
                        principalTable: "crews",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "crew_members",
                columns: table => new
                {
                    crew_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_crew_members", x => new { x.crew_id, x.user_id });
                    table.ForeignKey(
                        name: "fk_crew_members_crews_crew_id",
                        column: x => x.crew_id,
                        principalTable: "crews",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_crew_members_employees_user_id",
                        column: x => x.user_id,
                        principalTable: "employees",
                        principalColumn: "user_id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "work_orders",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    project_id = table.Column<Guid>(type: "uuid", nullable: true),
                    agency_id = table.Column<Guid>(type: "uuid", nullable: true),
                    title = table.Column<string>(type: "text", nullable: false),
                    description = table.Column<string>(type: "text", nullable: false),
                    crew_id = table.Column<Guid>(type: "uuid", nullable: true),
                    vehicle_id = table.Column<Guid>(type: "uuid", nullable: true),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    open = table.Column<bool>(type: "boolean", nullable: false, computedColumnSql: "state IN ('draft', 'scheduled', 'in_progress')", stored: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_work_orders", x => x.id);
                    table.ForeignKey(
                        name: "fk_work_orders_agencies_agency_id",
                        column: x => x.agency_id,
                        principalTable: "agencies",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_work_orders_crews_crew_id",
                        column: x => x.crew_id,
                        principalTable: "crews",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_work_orders_projects_project_id",
                        column: x => x.project_id,
                        principalTable: "projects",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_work_orders_vehicles_vehicle_id",
                        column: x => x.vehicle_id,
                        principalTable: "vehicles",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "visits",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    work_order_id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: true),
                    crew_id = table.Column<Guid>(type: "uuid", nullable: true),
                    vehicle_id = table.Column<Guid>(type: "uuid", nullable: true),
                    starts_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    note = table.Column<string>(type: "text", nullable: true),
                    outcome = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    updated_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    sequence = table.Column<int>(type: "integer", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    alternatives = table.Column<string>(type: "jsonb", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_visits", x => x.id);
                    table.CheckConstraint("ck_visits_resource", "crew_id IS NOT NULL OR vehicle_id IS NOT NULL");
                    table.CheckConstraint("ck_visits_slot", "starts_at < ends_at");
                    table.ForeignKey(
                        name: "fk_visits_crews_crew_id",
                        column: x => x.crew_id,
                        principalTable: "crews",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_visits_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.SetNull);
                    table.ForeignKey(
                        name: "fk_visits_vehicles_vehicle_id",
                        column: x => x.vehicle_id,
                        principalTable: "vehicles",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                    table.ForeignKey(
                        name: "fk_visits_work_orders_work_order_id",
                        column: x => x.work_order_id,
                        principalTable: "work_orders",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Restrict);
                });

            migrationBuilder.CreateTable(
                name: "work_order_reports",
                columns: table => new
                {
                    work_order_id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    open = table.Column<bool>(type: "boolean", nullable: false),
                    added_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_work_order_reports", x => new { x.work_order_id, x.report_id });
                    table.ForeignKey(
                        name: "fk_work_order_reports_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "fk_work_order_reports_work_orders_work_order_id",
                        column: x => x.work_order_id,
                        principalTable: "work_orders",
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
                name: "ix_reports_agency_id_id",
                table: "reports",
                columns: new[] { "agency_id", "id" },
                filter: "agency_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_reports_area_id_id",
                table: "reports",
                columns: new[] { "area_id", "id" },
                filter: "area_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_reports_assignee_id_id",
                table: "reports",
                columns: new[] { "assignee_id", "id" },
                filter: "assignee_id IS NOT NULL");

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
                name: "ix_reports_filed_by",
                table: "reports",
                column: "filed_by",
                filter: "filed_by IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_reports_unpromised",
                table: "reports",
                column: "id",
                filter: "expected_at IS NULL AND due_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_reports_updated_at",
                table: "reports",
                column: "updated_at",
                filter: "NOT (private OR hidden)");

            migrationBuilder.CreateIndex(
                name: "ix_open311_updates_hidden_by",
                table: "open311_updates",
                column: "hidden_by",
                filter: "hidden_by IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions",
                column: "created_at",
                filter: "email IS NOT NULL OR first_name IS NOT NULL OR last_name IS NOT NULL OR phone IS NOT NULL OR device_id IS NOT NULL OR account_id IS NOT NULL OR answers IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_agencies_name_en",
                table: "agencies",
                column: "name_en",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_areas_agency_id",
                table: "areas",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_areas_boundary",
                table: "areas",
                column: "boundary")
                .Annotation("Npgsql:IndexMethod", "gist");

            migrationBuilder.CreateIndex(
                name: "ix_areas_name_en",
                table: "areas",
                column: "name_en",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_audit_entries_actor_id_id",
                table: "audit_entries",
                columns: new[] { "actor_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_audit_entries_agency_id_id",
                table: "audit_entries",
                columns: new[] { "agency_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_audit_entries_subject_id_id",
                table: "audit_entries",
                columns: new[] { "subject_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_audit_entries_values",
                table: "audit_entries",
                column: "values")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_calendar_feeds_crew_id",
                table: "calendar_feeds",
                column: "crew_id");

            migrationBuilder.CreateIndex(
                name: "ix_calendar_feeds_hash",
                table: "calendar_feeds",
                column: "hash",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_calendar_feeds_user_id",
                table: "calendar_feeds",
                column: "user_id");

            migrationBuilder.CreateIndex(
                name: "ix_crew_members_user_id",
                table: "crew_members",
                column: "user_id");

            migrationBuilder.CreateIndex(
                name: "ix_crews_agency_id",
                table: "crews",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_employees_agency_id",
                table: "employees",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_employees_skills",
                table: "employees",
                column: "skills")
                .Annotation("Npgsql:IndexMethod", "gin");

            migrationBuilder.CreateIndex(
                name: "ix_imported_reports_report_id",
                table: "imported_reports",
                column: "report_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_projects_agency_id",
                table: "projects",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_report_answers_category_question",
                table: "report_answers",
                columns: new[] { "category", "question" });

            migrationBuilder.CreateIndex(
                name: "ix_report_notes_report_id_id",
                table: "report_notes",
                columns: new[] { "report_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_report_notes_user_id_id",
                table: "report_notes",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_response_templates_agency_id",
                table: "response_templates",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_routing_changes_changed_by",
                table: "routing_changes",
                column: "changed_by");

            migrationBuilder.CreateIndex(
                name: "ix_survey_requests_survey_id_answered_at_report_id",
                table: "survey_requests",
                columns: new[] { "survey_id", "answered_at", "report_id" });

            migrationBuilder.CreateIndex(
                name: "ix_survey_requests_user_id",
                table: "survey_requests",
                column: "user_id");

            migrationBuilder.CreateIndex(
                name: "ix_surveys_is_open",
                table: "surveys",
                column: "is_open",
                unique: true,
                filter: "is_open");

            migrationBuilder.CreateIndex(
                name: "ix_vehicles_agency_id",
                table: "vehicles",
                column: "agency_id");

            migrationBuilder.CreateIndex(
                name: "ix_vehicles_plate",
                table: "vehicles",
                column: "plate",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_visits_crew_id_starts_at_id",
                table: "visits",
                columns: new[] { "crew_id", "starts_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_visits_report_id",
                table: "visits",
                column: "report_id",
                filter: "report_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_visits_starts_at_id",
                table: "visits",
                columns: new[] { "starts_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_visits_vehicle_id_starts_at_id",
                table: "visits",
                columns: new[] { "vehicle_id", "starts_at", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_visits_work_order_id",
                table: "visits",
                column: "work_order_id");

            migrationBuilder.CreateIndex(
                name: "ix_work_order_reports_open",
                table: "work_order_reports",
                column: "report_id",
                unique: true,
                filter: "open");

            migrationBuilder.CreateIndex(
                name: "ix_work_order_reports_report_id_work_order_id",
                table: "work_order_reports",
                columns: new[] { "report_id", "work_order_id" });

            migrationBuilder.CreateIndex(
                name: "ix_work_order_reports_work_order_id_open",
                table: "work_order_reports",
                columns: new[] { "work_order_id", "open" });

            migrationBuilder.CreateIndex(
                name: "ix_work_orders_agency_id_id",
                table: "work_orders",
                columns: new[] { "agency_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_work_orders_crew_id_id",
                table: "work_orders",
                columns: new[] { "crew_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_work_orders_id_open",
                table: "work_orders",
                columns: new[] { "id", "open" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_work_orders_project_id",
                table: "work_orders",
                column: "project_id");

            migrationBuilder.CreateIndex(
                name: "ix_work_orders_vehicle_id_id",
                table: "work_orders",
                columns: new[] { "vehicle_id", "id" });

            migrationBuilder.Sql(WorkOrderSchema.Create);
            migrationBuilder.Sql(VisitSchema.Create);
            migrationBuilder.Sql(AuditEntryConfiguration.TriggersSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(AuditEntryConfiguration.DropTriggersSql);

            migrationBuilder.DropTable(
                name: "areas");

            migrationBuilder.DropTable(
                name: "audit_entries");

            migrationBuilder.DropTable(
                name: "calendar_feeds");

            migrationBuilder.DropTable(
                name: "crew_members");

            migrationBuilder.DropTable(
                name: "imported_reports");

            migrationBuilder.DropTable(
                name: "promises");

            migrationBuilder.DropTable(
                name: "report_answers");

            migrationBuilder.DropTable(
                name: "report_notes");

            migrationBuilder.DropTable(
                name: "response_templates");

            migrationBuilder.DropTable(
                name: "routing_changes");

            migrationBuilder.DropTable(
                name: "staff_accounts");

            migrationBuilder.DropTable(
                name: "survey_requests");

            migrationBuilder.DropTable(
                name: "visits");

            migrationBuilder.DropTable(
                name: "work_order_reports");

            migrationBuilder.DropTable(
                name: "employees");

            migrationBuilder.DropTable(
                name: "questions");

            migrationBuilder.DropTable(
                name: "surveys");

            migrationBuilder.DropTable(
                name: "work_orders");

            migrationBuilder.DropTable(
                name: "crews");

            migrationBuilder.DropTable(
                name: "projects");

            migrationBuilder.DropTable(
                name: "vehicles");

            migrationBuilder.DropTable(
                name: "agencies");

            migrationBuilder.DropIndex(
                name: "ix_reports_agency_expected",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_agency_id_id",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_area_id_id",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_assignee_id_id",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_due",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_expected",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_filed_by",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_unpromised",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_updated_at",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_open311_updates_hidden_by",
                table: "open311_updates");

            migrationBuilder.DropIndex(
                name: "ix_open311_submissions_contacts",
                table: "open311_submissions");

            migrationBuilder.DropColumn(
                name: "details",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "agency_id",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "area_id",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "assignee_id",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "expected_at",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "filed_by",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "routed_by_hand",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "hidden_at",
                table: "open311_updates");

            migrationBuilder.DropColumn(
                name: "hidden_by",
                table: "open311_updates");

            migrationBuilder.DropColumn(
                name: "hidden_reason",
                table: "open311_updates");

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

            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:postgis", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:btree_gist", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:postgis", ",,");

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
