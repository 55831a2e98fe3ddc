using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Notifications.Data.Migrations
{
    /// <inheritdoc />
    public partial class Email : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries");

            migrationBuilder.AddColumn<string>(
                name: "email",
                table: "recipients",
                type: "character varying(254)",
                maxLength: 254,
                nullable: true);

            migrationBuilder.AddColumn<bool>(
                name: "email_enabled",
                table: "recipients",
                type: "boolean",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "occurred_at",
                table: "recipients",
                type: "timestamp with time zone",
                nullable: false,
                defaultValue: new DateTimeOffset(new DateTime(1, 1, 1, 0, 0, 0, 0, DateTimeKind.Unspecified), new TimeSpan(0, 0, 0, 0, 0)));

            migrationBuilder.AddColumn<bool>(
                name: "push_enabled",
                table: "recipients",
                type: "boolean",
                nullable: false,
                defaultValue: true);

            migrationBuilder.AlterColumn<Guid>(
                name: "notification_id",
                table: "deliveries",
                type: "uuid",
                nullable: true,
                oldClrType: typeof(Guid),
                oldType: "uuid");

            migrationBuilder.AlterColumn<Guid>(
                name: "device_id",
                table: "deliveries",
                type: "uuid",
                nullable: true,
                oldClrType: typeof(Guid),
                oldType: "uuid");

            migrationBuilder.AddColumn<string>(
                name: "channel",
                table: "deliveries",
                type: "character varying(10)",
                maxLength: 10,
                nullable: false,
                defaultValue: "push");

            migrationBuilder.AddColumn<string>(
                name: "letter",
                table: "deliveries",
                type: "jsonb",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "user_id",
                table: "deliveries",
                type: "uuid",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_channel_next_attempt_at",
                table: "deliveries",
                columns: new[] { "channel", "next_attempt_at" },
                filter: "state = 'pending'");

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_user_id",
                table: "deliveries",
                column: "user_id",
                filter: "user_id IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_deliveries_channel_next_attempt_at",
                table: "deliveries");

            migrationBuilder.DropIndex(
                name: "ix_deliveries_user_id",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "email",
                table: "recipients");

            migrationBuilder.DropColumn(
                name: "email_enabled",
                table: "recipients");

            migrationBuilder.DropColumn(
                name: "occurred_at",
                table: "recipients");

            migrationBuilder.DropColumn(
                name: "push_enabled",
                table: "recipients");

            migrationBuilder.DropColumn(
                name: "channel",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "letter",
                table: "deliveries");

            migrationBuilder.DropColumn(
                name: "user_id",
                table: "deliveries");

            migrationBuilder.AlterColumn<Guid>(
                name: "notification_id",
                table: "deliveries",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"),
                oldClrType: typeof(Guid),
                oldType: "uuid",
                oldNullable: true);

            migrationBuilder.AlterColumn<Guid>(
                name: "device_id",
                table: "deliveries",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"),
                oldClrType: typeof(Guid),
                oldType: "uuid",
                oldNullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_deliveries_next_attempt_at",
                table: "deliveries",
                column: "next_attempt_at",
                filter: "state = 'pending'");
        }
    }
}
