using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class SurveyRule : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.InsertData(
                table: "rule_lines",
                columns: new[] { "number", "version", "area", "category", "code", "daily_limit", "days", "event", "expires_after_days", "from_day", "from_time", "multiplier", "points", "reversible", "status", "until_day", "until_time", "vesting", "weekly_limit" },
                values: new object[] { 3, 1, null, null, "survey_answered", 15, null, "survey.answered", null, null, null, 1m, 5, false, null, null, null, "immediate", null });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DeleteData(
                table: "rule_lines",
                keyColumns: new[] { "number", "version" },
                keyValues: new object[] { 3, 1 });
        }
    }
}
