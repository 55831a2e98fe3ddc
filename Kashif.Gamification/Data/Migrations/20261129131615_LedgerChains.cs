using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Gamification.Data.Migrations
{
    /// <inheritdoc />
    public partial class LedgerChains : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropCheckConstraint(
                name: "ck_point_transactions_points",
                table: "point_transactions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_balances_sum",
                table: "balances");

            migrationBuilder.AddColumn<Guid>(
                name: "actor",
                table: "point_transactions",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "area",
                table: "point_transactions",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "category",
                table: "point_transactions",
                type: "character varying(50)",
                maxLength: 50,
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "chain",
                table: "point_transactions",
                type: "uuid",
                nullable: false,
                defaultValue: new Guid("00000000-0000-0000-0000-000000000000"));

            migrationBuilder.AddColumn<DateTimeOffset>(
                name: "expires_at",
                table: "point_transactions",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<byte[]>(
                name: "hash",
                table: "point_transactions",
                type: "bytea",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<string>(
                name: "kind",
                table: "point_transactions",
                type: "character varying(10)",
                maxLength: 10,
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<string>(
                name: "note",
                table: "point_transactions",
                type: "character varying(500)",
                maxLength: 500,
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "owed",
                table: "point_transactions",
                type: "integer",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<byte[]>(
                name: "previous_hash",
                table: "point_transactions",
                type: "bytea",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "reverses",
                table: "point_transactions",
                type: "uuid",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "rule_version",
                table: "point_transactions",
                type: "integer",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "sequence",
                table: "point_transactions",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "expired",
                table: "balances",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "owed",
                table: "balances",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "reversed",
                table: "balances",
                type: "bigint",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.CreateTable(
                name: "areas",
                columns: table => new
                {
                    code = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false),
                    name_en = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    name_ar = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    latitude = table.Column<double>(type: "double precision", nullable: false),
                    longitude = table.Column<double>(type: "double precision", nullable: false),
                    radius_km = table.Column<double>(type: "double precision", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_areas", x => x.code);
                    table.CheckConstraint("ck_areas_place", "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180 AND radius_km > 0");
                });

            migrationBuilder.CreateTable(
                name: "ledger_chains",
                columns: table => new
                {
                    chain = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: true),
                    sequence = table.Column<long>(type: "bigint", nullable: false),
                    hash = table.Column<byte[]>(type: "bytea", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_ledger_chains", x => x.chain);
                });

            migrationBuilder.CreateTable(
                name: "report_events",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    report_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    @event = table.Column<string>(name: "event", type: "character varying(100)", maxLength: 100, nullable: false),
                    status = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    by_owner = table.Column<bool>(type: "boolean", nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    category = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: true),
                    latitude = table.Column<double>(type: "double precision", nullable: true),
                    longitude = table.Column<double>(type: "double precision", nullable: true),
                    at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_report_events", x => x.id);
                });

            // Before the unique index: chains what is there.
            migrationBuilder.Sql(Chain);

            migrationBuilder.CreateIndex(
                name: "ix_point_transactions_actor",
                table: "point_transactions",
                column: "actor",
                filter: "actor IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_point_transactions_chain_sequence",
                table: "point_transactions",
                columns: new[] { "chain", "sequence" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_point_transactions_reverses",
                table: "point_transactions",
                column: "reverses",
                filter: "reverses IS NOT NULL");

            migrationBuilder.AddCheckConstraint(
                name: "ck_point_transactions_points",
                table: "point_transactions",
                sql: "points <> 0 OR owed <> 0");

            migrationBuilder.AddCheckConstraint(
                name: "ck_balances_owed",
                table: "balances",
                sql: "owed >= 0");

            migrationBuilder.AddCheckConstraint(
                name: "ck_balances_sum",
                table: "balances",
                sql: "points = earned - spent - expired - reversed");

            migrationBuilder.CreateIndex(
                name: "ix_ledger_chains_user_id",
                table: "ledger_chains",
                column: "user_id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_report_events_at",
                table: "report_events",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_report_events_report_id_version",
                table: "report_events",
                columns: new[] { "report_id", "version" });

            migrationBuilder.CreateIndex(
                name: "ix_report_events_user_id_at",
                table: "report_events",
                columns: new[] { "user_id", "at" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("""
                DROP TRIGGER ledger_append ON point_transactions;
                DROP TRIGGER ledger_unchanged ON point_transactions;
                DROP TRIGGER ledger_kept ON point_transactions;
                DROP FUNCTION ledger_append, ledger_refuse;
                DROP FUNCTION ledger_hash;
                """);

            migrationBuilder.DropTable(
                name: "areas");

            migrationBuilder.DropTable(
                name: "ledger_chains");

            migrationBuilder.DropTable(
                name: "report_events");

            migrationBuilder.DropIndex(
                name: "ix_point_transactions_actor",
                table: "point_transactions");

            migrationBuilder.DropIndex(
                name: "ix_point_transactions_chain_sequence",
                table: "point_transactions");

            migrationBuilder.DropIndex(
                name: "ix_point_transactions_reverses",
                table: "point_transactions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_point_transactions_points",
                table: "point_transactions");

            migrationBuilder.DropCheckConstraint(
                name: "ck_balances_owed",
                table: "balances");

            migrationBuilder.DropCheckConstraint(
                name: "ck_balances_sum",
                table: "balances");

            migrationBuilder.DropColumn(
                name: "actor",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "area",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "category",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "chain",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "expires_at",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "hash",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "kind",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "note",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "owed",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "previous_hash",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "reverses",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "rule_version",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "sequence",
                table: "point_transactions");

            migrationBuilder.DropColumn(
                name: "expired",
                table: "balances");

            migrationBuilder.DropColumn(
                name: "owed",
                table: "balances");

            migrationBuilder.DropColumn(
                name: "reversed",
                table: "balances");

            migrationBuilder.AddCheckConstraint(
                name: "ck_point_transactions_points",
                table: "point_transactions",
                sql: "points <> 0");

            migrationBuilder.AddCheckConstraint(
                name: "ck_balances_sum",
                table: "balances",
                sql: "points = earned - spent");
        }

        /// <summary>
        /// The ledger is append-only, also for a person with access to the database, and a change that is made by other means shows: each entry
        /// has the hash of the one before. Ledger/ChainVerifier.cs computes the same hashes. The triggers also serve the version before, whose
        /// entries have no kind.
        /// </summary>
        private const string Chain = """
            CREATE FUNCTION ledger_hash(entry point_transactions) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
                SELECT sha256(coalesce(entry.previous_hash, '') || convert_to(concat_ws('|',
                    entry.chain, entry.sequence, entry.id, entry.points, entry.owed, entry.balance_after, entry.kind, entry.reason,
                    coalesce(entry.rule, ''), coalesce(entry.rule_version::text, ''), entry.cause, coalesce(entry.reference, ''),
                    coalesce(entry.category, ''), coalesce(entry.area, ''), coalesce(entry.reverses::text, ''),
                    coalesce((extract(epoch FROM entry.expires_at) * 1000000)::bigint::text, ''),
                    (extract(epoch FROM entry.created_at) * 1000000)::bigint), 'UTF8'))
            $$;

            -- The writer holds the lock of the balance, so that an account's entries come one after the other.
            CREATE FUNCTION ledger_append() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE head ledger_chains;
            BEGIN
                IF NEW.kind = '' THEN
                    NEW.kind := CASE WHEN NEW.reason IN ('redeemed', 'refunded') THEN 'spent' ELSE 'earned' END;
                END IF;
                SELECT * INTO head FROM ledger_chains WHERE user_id = NEW.user_id FOR UPDATE;
                NEW.chain := coalesce(head.chain, CASE WHEN NEW.user_id = '00000000-0000-0000-0000-000000000000' THEN NEW.user_id ELSE gen_random_uuid() END);
                NEW.sequence := coalesce(head.sequence, 0) + 1;
                NEW.previous_hash := head.hash;
                NEW.hash := ledger_hash(NEW);
                INSERT INTO ledger_chains (chain, user_id, sequence, hash) VALUES (NEW.chain, NEW.user_id, NEW.sequence, NEW.hash)
                ON CONFLICT (chain) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash;
                RETURN NEW;
            END $$;

            -- Allows an erasure: the user becomes the empty id, the note goes.
            CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE erased CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
            BEGIN
                IF TG_OP = 'UPDATE'
                    AND to_jsonb(NEW) - '{user_id,note,actor}'::text[] = to_jsonb(OLD) - '{user_id,note,actor}'::text[]
                    AND NEW.user_id IN (OLD.user_id, erased) AND (NEW.note IS NULL OR NEW.note = OLD.note)
                    AND (NEW.actor IS NOT DISTINCT FROM OLD.actor OR NEW.actor = erased) THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION 'The ledger is append-only.';
            END $$;

            DO $$
            DECLARE
                entry point_transactions;
                last point_transactions;
            BEGIN
                UPDATE point_transactions SET kind = CASE WHEN reason IN ('redeemed', 'refunded') THEN 'spent' ELSE 'earned' END;
                FOR entry IN SELECT * FROM point_transactions ORDER BY user_id, id LOOP
                    IF entry.user_id IS DISTINCT FROM last.user_id THEN
                        entry.chain := CASE WHEN entry.user_id = '00000000-0000-0000-0000-000000000000' THEN entry.user_id ELSE gen_random_uuid() END;
                        entry.sequence := 1;
                        entry.previous_hash := NULL;
                    ELSE
                        entry.chain := last.chain;
                        entry.sequence := last.sequence + 1;
                        entry.previous_hash := last.hash;
                    END IF;
                    entry.hash := ledger_hash(entry);
                    UPDATE point_transactions
                    SET chain = entry.chain, sequence = entry.sequence, previous_hash = entry.previous_hash, hash = entry.hash WHERE id = entry.id;
                    last := entry;
                END LOOP;
            END $$;

            INSERT INTO ledger_chains (chain, user_id, sequence, hash)
            SELECT DISTINCT ON (chain) chain, user_id, sequence, hash FROM point_transactions ORDER BY chain, sequence DESC;

            CREATE TRIGGER ledger_append BEFORE INSERT ON point_transactions FOR EACH ROW EXECUTE FUNCTION ledger_append();
            CREATE TRIGGER ledger_unchanged BEFORE UPDATE ON point_transactions FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
            CREATE TRIGGER ledger_kept BEFORE DELETE OR TRUNCATE ON point_transactions FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
            """;
    }
}
