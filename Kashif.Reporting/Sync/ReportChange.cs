using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.Sync;

/// <summary>
/// The last change of a report: one row a report, also of one that is deleted. Triggers write it, so that no way to change a report is missed.
/// </summary>
internal sealed class ReportChange
{
    public Guid ReportId { get; init; }

    /// <summary>
    /// The transaction that changed it (<c>xid8</c>). A feed in this order that ends before the oldest transaction in progress misses no change:
    /// a later commit has a later place. A time or a sequence number does not have this property, because it is taken before the commit.
    /// </summary>
    public ulong ChangedIn { get; init; }

    /// <summary>Whether the public has ever seen the report: only then is its end announced.</summary>
    public bool WasPublic { get; init; }
    public DateTimeOffset? DeletedAt { get; init; }
}

/// <summary>
/// The identity of the database in which <see cref="ReportChange.ChangedIn"/> was written. After a restore from a dump the transactions have
/// other numbers, and the identity is another one.
/// </summary>
internal sealed class FeedIdentity
{
    public string Identity { get; init; } = "";
}

internal sealed class ReportChangeConfiguration : IEntityTypeConfiguration<ReportChange>, IEntityTypeConfiguration<FeedIdentity>
{
    /// <summary>Of the server and of the table; a restore creates the table anew.</summary>
    public const string IdentitySql = "left(md5((SELECT system_identifier FROM pg_control_system())::text || '-' || 'report_changes'::regclass::oid::text), 12)";

    /// <summary>
    /// The server's timeline. A restore to a point in time, and the promotion of a replica that was behind, begin another one: transactions after that point have the
    /// numbers of others that are lost.
    /// </summary>
    public const string TimelineSql = "left(pg_walfile_name(pg_current_wal_lsn()), 8)";

    /// <summary>The present end of the feed: what is committed in a later transaction, or in this one, is read with <see cref="ChangedSql"/>.</summary>
    public const string PositionSql = "pg_snapshot_xmin(pg_current_snapshot())";

    /// <summary>The reports that have changed since a position, its parameter; a change of just before it may be among them.</summary>
    public const string ChangedSql = "SELECT report_id FROM report_changes WHERE was_public AND changed_in >= $1";

    /// <summary>
    /// The triggers, and a change for each report that exists. The counts of a report change without a new version. What happens to a report while
    /// it is not public is not noted: the feed has told that it is gone, and may not tell more.
    /// </summary>
    public const string TriggersSql = $"""
        CREATE FUNCTION note_report_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                UPDATE report_changes
                SET changed_in = CASE WHEN OLD.private OR OLD.hidden THEN changed_in ELSE pg_current_xact_id() END, deleted_at = now()
                WHERE report_id = OLD.id;
            ELSE
                INSERT INTO report_changes AS known (report_id, changed_in, was_public) VALUES (NEW.id, pg_current_xact_id(), NOT (NEW.private OR NEW.hidden))
                ON CONFLICT (report_id) DO UPDATE SET changed_in = excluded.changed_in, was_public = known.was_public OR excluded.was_public;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_change AFTER INSERT OR DELETE ON reports FOR EACH ROW EXECUTE FUNCTION note_report_change();
        CREATE TRIGGER note_update AFTER UPDATE ON reports FOR EACH ROW
            WHEN ((OLD.version <> NEW.version OR OLD.activity <> NEW.activity OR OLD.private <> NEW.private OR OLD.hidden <> NEW.hidden)
                AND NOT ((OLD.private OR OLD.hidden) AND (NEW.private OR NEW.hidden)))
            EXECUTE FUNCTION note_report_change();
        INSERT INTO report_changes (report_id, changed_in, was_public) SELECT id, pg_current_xact_id(), NOT (private OR hidden) FROM reports;
        INSERT INTO feed_identities (identity) SELECT {IdentitySql};
        """;

    /// <summary>Takes <see cref="TriggersSql"/> back.</summary>
    public const string DropTriggersSql = "DROP TRIGGER note_update ON reports; DROP TRIGGER note_change ON reports; DROP FUNCTION note_report_change();";

    public void Configure(EntityTypeBuilder<ReportChange> change)
    {
        change.ToTable("report_changes");
        change.HasKey(row => row.ReportId);
        change.Property(row => row.ReportId).ValueGeneratedNever();
        change.Property(row => row.ChangedIn).HasColumnType("xid8");
        change.HasIndex(row => new { row.ChangedIn, row.ReportId }).HasFilter("was_public");
        change.HasIndex(row => row.DeletedAt).HasFilter("deleted_at IS NOT NULL");
    }

    public void Configure(EntityTypeBuilder<FeedIdentity> identity)
    {
        identity.ToTable("feed_identities");
        identity.HasKey(row => row.Identity);
    }
}
