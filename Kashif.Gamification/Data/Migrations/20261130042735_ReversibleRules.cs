using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class ReversibleRules : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.UpdateData(
                table: "rule_lines",
                keyColumns: new[] { "number", "version" },
                keyValues: new object[] { 1, 1 },
                column: "reversible",
                value: true);

            migrationBuilder.UpdateData(
                table: "rule_lines",
                keyColumns: new[] { "number", "version" },
                keyValues: new object[] { 2, 1 },
                column: "reversible",
                value: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.UpdateData(
                table: "rule_lines",
                keyColumns: new[] { "number", "version" },
                keyValues: new object[] { 1, 1 },
                column: "reversible",
                value: false);

            migrationBuilder.UpdateData(
                table: "rule_lines",
                keyColumns: new[] { "number", "version" },
                keyValues: new object[] { 2, 1 },
                column: "reversible",
                value: false);
        }
    }
}
