using System;
using Kashif.Notifications.Alerts;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace Kashif.Notifications.Data.Migrations
{
    /// <inheritdoc />
    public partial class Messages : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_notifications_unread",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_notifications_user_id_id",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_channel_next_attempt_at",
                table: "deliveries");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries");

            migrationBuilder.AlterDatabase()
                .Annotation("Npgsql:PostgresExtension:cube", ",,");

            migrationBuilder.AlterColumn<string>(
                name: "title",
                table: "notifications",
                type: "character varying(200)",
                maxLength: 200,
                nullable: true,
                oldClrType: typeof(string),
                oldType: "character varying(200)",
                oldMaxLength: 200);

            migrationBuilder.AlterColumn<string>(
                name: "body",
                table: "notifications",
                type: "text",
                nullable: true,
                oldClrType: typeof(string),
                oldType: "text");

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "archived_at",
                table: "notifications",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "expires_at",
                table: "notifications",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "folder",
                table: "notifications",
                type: "character varying(10)",
                maxLength: 10,
                nullable: false,
                defaultValue: "inbox");

            migrationBuilder.AddColumn<long>(
                name: "position",
                table: "notifications",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<short>(
                name: "priority",
                table: "notifications",
                type: "smallint",
                nullable: false,
                defaultValue: (short)1);

            migrationBuilder.AddColumn<Guid>(
                name: "request_id",
                table: "notifications",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "snoozed_until",
                table: "notifications",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "sort_key",
                table: "notifications",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<string>(
                name: "template_code",
                table: "notifications",
                type: "character varying(100)",
                maxLength: 100,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "variables",
                table: "notifications",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "expires_at",
                table: "deliveries",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<short>(
                name: "priority",
                table: "deliveries",
                type: "smallint",
                nullable: false,
                defaultValue: (short)1);

            migrationBuilder.AddColumn<string>(
                name: "provider_id",
                table: "deliveries",
                type: "character varying(400)",
                maxLength: 400,
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "reported",
                table: "deliveries",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "updated_at",
                table: "deliveries",
                type: "timestamp with time zone",
                nullable: false,
                defaultValueSql: "now()");

            migrationBuilder.CreateTable(
                name: "alerts",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    kind = table.Column<string>(type: "character varying(20)", maxLength: 20, nullable: false),
                    threshold = table.Column<double>(type: "double precision", nullable: true),
                    direction = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: true),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    latitude = table.Column<double>(type: "double precision", nullable: true),
                    longitude = table.Column<double>(type: "double precision", nullable: true),
                    radius_km = table.Column<double>(type: "double precision", nullable: true),
                    coupon_id = table.Column<int>(type: "integer", nullable: true),
                    muted = table.Column<bool>(type: "boolean", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    active_since = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_value = table.Column<double>(type: "double precision", nullable: true),
                    last_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    expiring_for = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_alerts", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "assistant_messages",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    text = table.Column<string>(type: "text", nullable: false),
                    reply = table.Column<string>(type: "text", nullable: false),
                    intent = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    sources = table.Column<string[]>(type: "text[]", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_assistant_messages", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "held_deliveries",
                columns: table => new
                {
                    notification_id = table.Column<Guid>(type: "uuid", nullable: false),
                    channel = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    release_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_held_deliveries", x => new { x.notification_id, x.channel });
                    table.ForeignKey(
                        name: "fk_held_deliveries_notifications_notification_id",
                        column: x => x.notification_id,
                        principalTable: "notifications",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "inbox_heads",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    position = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_inbox_heads", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "known_coupons",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    title = table.Column<string>(type: "text", nullable: false),
                    stock = table.Column<int>(type: "integer", nullable: false),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    version = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_known_coupons", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "own_templates",
                columns: table => new
                {
                    code = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    variables = table.Column<string>(type: "jsonb", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_own_templates", x => x.code);
                });

            migrationBuilder.CreateTable(
                name: "preferences",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    types = table.Column<string>(type: "jsonb", nullable: false),
                    quiet_from = table.Column<TimeOnly>(type: "time without time zone", nullable: true),
                    quiet_to = table.Column<TimeOnly>(type: "time without time zone", nullable: true),
                    time_zone = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    digest = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    digest_at = table.Column<TimeOnly>(type: "time without time zone", nullable: false),
                    paused_until = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_preferences", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "send_requests",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    sender = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    request_id = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: false),
                    fingerprint = table.Column<byte[]>(type: "bytea", nullable: false),
                    channel = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: true),
                    topic = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    template_code = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    variables = table.Column<string>(type: "jsonb", nullable: true),
                    priority = table.Column<short>(type: "smallint", nullable: false),
                    expires_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    status = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    due_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false),
                    last_user_id = table.Column<Guid>(type: "uuid", nullable: true),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_send_requests", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "template_versions",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    code = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    language = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    channel = table.Column<string>(type: "character varying(10)", maxLength: 10, nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    title = table.Column<string>(type: "character varying(4000)", maxLength: 4000, nullable: true),
                    body = table.Column<string>(type: "character varying(4000)", maxLength: 4000, nullable: true),
                    changed_by = table.Column<Guid>(type: "uuid", nullable: false),
                    changed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_template_versions", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "topic_subscriptions",
                columns: table => new
                {
                    topic = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_topic_subscriptions", x => new { x.topic, x.user_id });
                });

            migrationBuilder.CreateTable(
                name: "unsubscribe_keys",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    key = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_unsubscribe_keys", x => x.id);
                });

            migrationBuilder.Sql("""
                UPDATE deliveries SET
                    state = CASE WHEN state <> 'pending' THEN 'dead' WHEN last_error IS NULL THEN 'queued' ELSE 'failed' END,
                    reported = state <> 'pending',
                    updated_at = LEAST(next_attempt_at, now())
                WHERE state <> 'sent'
                """);

            migrationBuilder.Sql("""
                UPDATE notifications SET sort_key = notifications.id, position = numbered.position
                FROM (SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY id) AS position FROM notifications) AS numbered
                WHERE numbered.id = notifications.id;
                INSERT INTO inbox_heads (user_id, position) SELECT user_id, max(position) FROM notifications GROUP BY user_id;
                """);

            migrationBuilder.CreateIndex(
                name: "ix_notifications_created_at",
                table: "notifications",
                column: "created_at",
                filter: "folder = 'digest'");

            migrationBuilder.CreateIndex(
                name: "ix_notifications_request_id",
                table: "notifications",
                column: "request_id",
                filter: "request_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_notifications_snoozed_until",
                table: "notifications",
                column: "snoozed_until",
                filter: "snoozed_until IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_notifications_unread",
                table: "notifications",
                columns: new[] { "user_id", "sort_key" },
                descending: new[] { false, true },
                filter: "read_at IS NULL AND folder = 'inbox'");

            migrationBuilder.CreateIndex(
                name: "ix_notifications_user_id_folder_sort_key",
                table: "notifications",
                columns: new[] { "user_id", "folder", "sort_key" },
                descending: new[] { false, false, true });

            migrationBuilder.CreateIndex(
                name: "ix_notifications_user_id_position",
                table: "notifications",
                columns: new[] { "user_id", "position" });

            migrationBuilder.CreateIndex(
                name: "ix_devices_registered_at",
                table: "devices",
                column: "registered_at");

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_channel_priority_next_attempt_at",
                table: "deliveries",
                columns: new[] { "channel", "priority", "next_attempt_at" },
                filter: "state NOT IN ('sent', 'delivered', 'dead')");

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_dead",
                table: "deliveries",
                column: "id",
                filter: "state = 'dead'");

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries",
                column: "next_attempt_at",
                filter: "state IN ('sent', 'delivered', 'dead')");

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_unreported",
                table: "deliveries",
                columns: new[] { "channel", "id" },
                filter: "state = 'dead' AND NOT reported");

            migrationBuilder.CreateIndex(
                name: "ix_alerts_coupon_id",
                table: "alerts",
                column: "coupon_id",
                filter: "coupon_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_alerts_user_id_id",
                table: "alerts",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_assistant_messages_created_at",
                table: "assistant_messages",
                column: "created_at");

            migrationBuilder.CreateIndex(
                name: "ix_assistant_messages_user_id_id",
                table: "assistant_messages",
                columns: new[] { "user_id", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_held_deliveries_release_at",
                table: "held_deliveries",
                column: "release_at");

            migrationBuilder.CreateIndex(
                name: "ix_held_deliveries_user_id_release_at",
                table: "held_deliveries",
                columns: new[] { "user_id", "release_at" });

            migrationBuilder.CreateIndex(
                name: "ix_known_coupons_ends_at",
                table: "known_coupons",
                column: "ends_at",
                filter: "ends_at IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_send_requests_due_at",
                table: "send_requests",
                column: "due_at");

            migrationBuilder.CreateIndex(
                name: "ix_send_requests_priority_due_at",
                table: "send_requests",
                columns: new[] { "priority", "due_at" },
                filter: "status IN ('scheduled', 'accepted')");

            migrationBuilder.CreateIndex(
                name: "ix_send_requests_sender_request_id",
                table: "send_requests",
                columns: new[] { "sender", "request_id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_send_requests_user_id",
                table: "send_requests",
                column: "user_id",
                filter: "user_id IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_template_versions_changed_by",
                table: "template_versions",
                column: "changed_by");

            migrationBuilder.CreateIndex(
                name: "ix_template_versions_code_language_channel_version",
                table: "template_versions",
                columns: new[] { "code", "language", "channel", "version" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_topic_subscriptions_user_id",
                table: "topic_subscriptions",
                column: "user_id");

            migrationBuilder.Sql($"ALTER TABLE alerts ADD COLUMN area cube GENERATED ALWAYS AS ({AlertArea.Sql}) STORED");
            migrationBuilder.Sql("CREATE INDEX ix_alerts_area ON alerts USING gist (area) WHERE area IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("UPDATE deliveries SET state = 'pending' WHERE state IN ('queued', 'failed')");
            migrationBuilder.Sql("DELETE FROM notifications WHERE folder = 'digest'");

            migrationBuilder.DropTable(
                name: "alerts");

            migrationBuilder.DropTable(
                name: "assistant_messages");

            migrationBuilder.DropTable(
                name: "held_deliveries");

            migrationBuilder.DropTable(
                name: "inbox_heads");

            migrationBuilder.DropTable(
                name: "known_coupons");

            migrationBuilder.DropTable(
                name: "own_templates");

            migrationBuilder.DropTable(
                name: "preferences");

            migrationBuilder.DropTable(
                name: "send_requests");

            migrationBuilder.DropTable(
                name: "template_versions");

            migrationBuilder.DropTable(
                name: "topic_subscriptions");

            migrationBuilder.DropTable(
                name: "unsubscribe_keys");

            migrationBuilder.DropIndex(
                name: "ix_notifications_created_at",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_notifications_request_id",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_notifications_snoozed_until",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_notifications_unread",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_notifications_user_id_folder_sort_key",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_notifications_user_id_position",
                table: "notifications");

            migrationBuilder.DropIndex(
                name: "ix_devices_registered_at",
                table: "devices");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_channel_priority_next_attempt_at",
                table: "deliveries");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_dead",
                table: "deliveries");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_unreported",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "archived_at",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "expires_at",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "folder",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "position",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "priority",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "request_id",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "snoozed_until",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "sort_key",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "template_code",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "variables",
                table: "notifications");

            migrationBuilder.DropColumn(
                name: "expires_at",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "priority",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "provider_id",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "reported",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "updated_at",
                table: "deliveries");

            migrationBuilder.AlterDatabase()
                .OldAnnotation("Npgsql:PostgresExtension:cube", ",,");

            migrationBuilder.AlterColumn<string>(
                name: "title",
                table: "notifications",
                type: "character varying(200)",
                maxLength: 200,
                nullable: false,
                defaultValue: "",
                oldClrType: typeof(string),
                oldType: "character varying(200)",
                oldMaxLength: 200,
                oldNullable: true);

            migrationBuilder.AlterColumn<string>(
                name: "body",
                table: "notifications",
                type: "text",
                nullable: false,
                defaultValue: "",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_notifications_unread",
                table: "notifications",
                columns: new[] { "user_id", "id" },
                descending: new[] { false, true },
                filter: "read_at IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_notifications_user_id_id",
                table: "notifications",
                columns: new[] { "user_id", "id" },
                descending: new[] { false, true });

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_channel_next_attempt_at",
                table: "deliveries",
                columns: new[] { "channel", "next_attempt_at" },
                filter: "state = 'pending'");

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries",
                column: "next_attempt_at",
                filter: "state <> 'pending'");
        }
    }
}
