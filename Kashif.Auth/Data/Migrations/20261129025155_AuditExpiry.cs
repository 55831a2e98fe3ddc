using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Auth.Data.Migrations
{
    /// <inheritdoc />
    public partial class AuditExpiry : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => Replace(migrationBuilder, "OR OLD.occurred_at < now() - interval '365 days'");

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => Replace(migrationBuilder, "");

        private static void Replace(MigrationBuilder migrationBuilder, string others) => migrationBuilder.Sql($"""
            CREATE OR REPLACE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' AND NEW.ip_address IS NULL AND NEW.user_agent IS NULL
                    AND (NEW.id, NEW.user_id, NEW.actor_id, NEW.action, NEW.details, NEW.occurred_at)
                        IS NOT DISTINCT FROM (OLD.id, OLD.user_id, OLD.actor_id, OLD.action, OLD.details, OLD.occurred_at) THEN
                    RETURN NEW;
                END IF;
                IF TG_OP = 'DELETE' AND (OLD.user_id = '00000000-0000-0000-0000-000000000000' AND OLD.action = 'login_failed'
                    AND OLD.occurred_at < now() - interval '30 days' {others}) THEN
                    RETURN OLD;
                END IF;
                RAISE EXCEPTION 'audit_log is append-only';
            END $$;
            """);
    }
}
