using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Auth.Data.Migrations
{
    /// <inheritdoc />
    public partial class UserSearch : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "normalized_full_name",
                table: "users",
                type: "text",
                nullable: true,
                computedColumnSql: "upper(full_name)",
                stored: true);

            migrationBuilder.CreateIndex(
                name: "ix_users_email_prefix",
                table: "users",
                column: "normalized_email")
                .Annotation("Npgsql:IndexOperators", new[] { "text_pattern_ops" });

            migrationBuilder.CreateIndex(
                name: "ix_users_full_name_prefix",
                table: "users",
                column: "normalized_full_name")
                .Annotation("Npgsql:IndexOperators", new[] { "text_pattern_ops" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_users_email_prefix",
                table: "users");

            migrationBuilder.DropIndex(
                name: "ix_users_full_name_prefix",
                table: "users");

            migrationBuilder.DropColumn(
                name: "normalized_full_name",
                table: "users");
        }
    }
}
