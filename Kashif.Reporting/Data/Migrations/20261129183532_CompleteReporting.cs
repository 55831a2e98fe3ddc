using System;
using Kashif.Reporting.Sync;
using Microsoft.EntityFrameworkCore.Migrations;
using NetTopologySuite.Geometries;

#nullable disable

namespace Kashif.Reporting.Data.Migrations
{
    /// <inheritdoc />
    public partial class CompleteReporting : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:cube", ",,")
                .Annotation("Npgsql:PostgresExtension:postgis", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:cube", ",,");

            migrationBuilder.AddColumn<string>(
                name: "category",
                table: "status_changes",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<string[]>(
                name: "fields",
                table: "status_changes",
                type: "text[]",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "former_category",
                table: "status_changes",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "is_public",
                table: "status_changes",
                type: "boolean",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AddColumn<string>(
                name: "kind",
                table: "status_changes",
                type: "character varying(20)",
                maxLength: 20,
                nullable: false,
                defaultValue: "status");

            migrationBuilder.AddColumn<int>(
                name: "activity",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "anonymous",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "comments",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "hidden",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "photos",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "private",
                table: "reports",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<int>(
                name: "votes",
                table: "reports",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "duplicate_distance_m",
                table: "categories",
                type: "integer",
                nullable: false,
                defaultValue: 50);

            migrationBuilder.AddColumn<Point>(
                name: "location",
                table: "reports",
                type: "geography (Point, 4326)",
                nullable: true,
                computedColumnSql: "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography",
                stored: true);

            migrationBuilder.CreateTable(
                name: "client_reports",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    client_id = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    captured_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_client_reports", x => new { x.user_id, x.client_id });
                });

            migrationBuilder.CreateTable(
                name: "comment_quotas",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    opened_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    used = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_comment_quotas", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "comments",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    text = table.Column<string>(type: "text", nullable: false),
                    role = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    edited_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    hidden_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    hidden_by = table.Column<Guid>(type: "uuid", nullable: true),
                    hidden_reason = table.Column<string>(type: "text", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_comments", x => x.id);
                    table.ForeignKey(
                        name: "fk_comments_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "feed_identities",
                columns: table => new
                {
                    identity = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_feed_identities", x => x.identity);
                });

            migrationBuilder.CreateTable(
                name: "follower_notices",
                columns: table => new
                {
                    event_id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    actor_id = table.Column<Guid>(type: "uuid", nullable: false),
                    status = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: true),
                    text = table.Column<string>(type: "text", nullable: true),
                    comment_id = table.Column<Guid>(type: "uuid", nullable: true),
                    by_staff = table.Column<bool>(type: "boolean", nullable: false),
                    occurred_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_user_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_follower_notices", x => x.event_id);
                });

            migrationBuilder.CreateTable(
                name: "follows",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    moved_from = table.Column<Guid>(type: "uuid", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_follows", x => new { x.report_id, x.user_id });
                    table.ForeignKey(
                        name: "fk_follows_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

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
                name: "photos",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: true),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    state = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    hidden = table.Column<bool>(type: "boolean", nullable: false),
                    format = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    width = table.Column<int>(type: "integer", nullable: false),
                    height = table.Column<int>(type: "integer", nullable: false),
                    size = table.Column<int>(type: "integer", nullable: false),
                    medium_size = table.Column<int>(type: "integer", nullable: false),
                    thumb_size = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_photos", x => x.id);
                    table.ForeignKey(
                        name: "fk_photos_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.SetNull);
                });

            migrationBuilder.CreateTable(
                name: "report_changes",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    changed_in = table.Column<ulong>(type: "xid8", nullable: false),
                    was_public = table.Column<bool>(type: "boolean", nullable: false),
                    deleted_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_changes", x => x.report_id);
                });

            migrationBuilder.CreateTable(
                name: "votes",
                columns: table => new
                {
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_votes", x => new { x.report_id, x.user_id });
                    table.ForeignKey(
                        name: "fk_votes_reports_report_id",
                        column: x => x.report_id,
                        principalTable: "reports",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
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

            migrationBuilder.CreateTable(
                name: "photo_chunks",
                columns: table => new
                {
                    photo_id = table.Column<Guid>(type: "uuid", nullable: false),
                    size = table.Column<int>(type: "integer", nullable: false),
                    position = table.Column<int>(type: "integer", nullable: false),
                    bytes = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_photo_chunks", x => new { x.photo_id, x.size, x.position });
                    table.ForeignKey(
                        name: "fk_photo_chunks_photos_photo_id",
                        column: x => x.photo_id,
                        principalTable: "photos",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "abandoned_vehicle",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "garbage",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "graffiti",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "noise",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "other",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "park",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "pothole",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_damage",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "road_sign",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sewage",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "sidewalk",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "street_light",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "traffic_signal",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.UpdateData(
                table: "categories",
                keyColumn: "code",
                keyValue: "water_leak",
                column: "duplicate_distance_m",
                value: 50);

            migrationBuilder.CreateIndex(
                name: "ix_status_changes_at",
                table: "status_changes",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_reports_hidden",
                table: "reports",
                column: "id",
                filter: "hidden");

            migrationBuilder.CreateIndex(
                name: "ix_reports_location",
                table: "reports",
                column: "location")
                .Annotation("Npgsql:IndexMethod", "gist");

            migrationBuilder.CreateIndex(
                name: "ix_reports_private",
                table: "reports",
                column: "id",
                filter: "private");

            migrationBuilder.CreateIndex(
                name: "ix_comments_hidden_by",
                table: "comments",
                column: "hidden_by",
                filter: "hidden_by IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_comments_report_id_id",
                table: "comments",
                columns: new[] { "report_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_comments_user_id_id",
                table: "comments",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_follower_notices_actor_id",
                table: "follower_notices",
                column: "actor_id");

            migrationBuilder.CreateIndex(
                name: "ix_follows_moved_from_user_id",
                table: "follows",
                columns: new[] { "moved_from", "user_id" },
                filter: "moved_from IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_follows_user_id_at_report_id",
                table: "follows",
                columns: new[] { "user_id", "at", "report_id" });

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

            migrationBuilder.CreateIndex(
                name: "ix_photos_report_id_id",
                table: "photos",
                columns: new[] { "report_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_photos_to_sweep",
                table: "photos",
                column: "created_at",
                filter: "report_id IS NULL OR state <> 'attached'");

            migrationBuilder.CreateIndex(
                name: "ix_photos_user_id",
                table: "photos",
                column: "user_id");

            migrationBuilder.CreateIndex(
                name: "ix_report_changes_changed_in_report_id",
                table: "report_changes",
                columns: new[] { "changed_in", "report_id" },
                filter: "was_public");

            migrationBuilder.CreateIndex(
                name: "ix_report_changes_deleted_at",
                table: "report_changes",
                column: "deleted_at",
                filter: "deleted_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_votes_user_id",
                table: "votes",
                column: "user_id");

            migrationBuilder.Sql(ReportChangeConfiguration.TriggersSql);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(ReportChangeConfiguration.DropTriggersSql);

            migrationBuilder.DropTable(
                name: "client_reports");

            migrationBuilder.DropTable(
                name: "comment_quotas");

            migrationBuilder.DropTable(
                name: "comments");

            migrationBuilder.DropTable(
                name: "feed_identities");

            migrationBuilder.DropTable(
                name: "follower_notices");

            migrationBuilder.DropTable(
                name: "follows");

            migrationBuilder.DropTable(
                name: "open311_submissions");

            migrationBuilder.DropTable(
                name: "open311_updates");

            migrationBuilder.DropTable(
                name: "photo_chunks");

            migrationBuilder.DropTable(
                name: "report_changes");

            migrationBuilder.DropTable(
                name: "votes");

            migrationBuilder.DropTable(
                name: "open311_keys");

            migrationBuilder.DropTable(
                name: "photos");

            migrationBuilder.DropIndex(
                name: "ix_status_changes_at",
                table: "status_changes");

            migrationBuilder.DropIndex(
                name: "ix_reports_hidden",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_location",
                table: "reports");

            migrationBuilder.DropIndex(
                name: "ix_reports_private",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "location",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "category",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "fields",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "former_category",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "is_public",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "kind",
                table: "status_changes");

            migrationBuilder.DropColumn(
                name: "activity",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "anonymous",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "comments",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "hidden",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "photos",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "private",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "votes",
                table: "reports");

            migrationBuilder.DropColumn(
                name: "duplicate_distance_m",
                table: "categories");

            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:cube", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:cube", ",,")
                .OldAnnotation("Npgsql:PostgresExtension:postgis", ",,");
        }
    }
}
