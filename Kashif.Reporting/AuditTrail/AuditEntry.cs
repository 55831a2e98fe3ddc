using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Kashif.Messaging.Erasure;
using Kashif.Reporting.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Kashif.Reporting.AuditTrail;

/// <summary>What a member of staff did. Append-only: a trigger refuses every change but the erasure of a user.</summary>
internal sealed class AuditEntry
{
    public Guid Id { get; init; }
    public DateTimeOffset At { get; init; }

    /// <summary>The empty id if no user did it.</summary>
    public Guid ActorId { get; init; }

    /// <summary>Such as <c>created</c>, <c>changed</c>, <c>deleted</c>, <c>assigned</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to, such as <c>crew</c> or <c>report</c>.</summary>
    public required string Kind { get; init; }
    public Guid SubjectId { get; init; }

    /// <summary>The agency of the subject: its managers may read the entry.</summary>
    public Guid? AgencyId { get; init; }

    /// <summary>The new values by their wire names; null if there are none. Users by their ids only: an erasure finds no names.</summary>
    public JsonElement? Values { get; init; }
}

internal static class Auditing
{
    /// <summary>Writes values as responses have them, with the same names of enums.</summary>
    public static ReportingJson Json { get; } = CreateJson();

    /// <summary>Adds an entry, which is written with the change itself.</summary>
    public static void Audit(
        this ReportingDbContext database, Guid actor, string action, string kind, Guid subject, Guid? agency, JsonElement? values, DateTimeOffset now) =>
        database.AuditEntries.Add(new AuditEntry
        {
            Id = Guid.CreateVersion7(now),
            At = now,
            ActorId = actor,
            Action = action,
            Kind = kind,
            SubjectId = subject,
            AgencyId = agency,
            Values = values,
        });

    /// <inheritdoc cref="Audit"/>
    public static void AuditValues(
        this ReportingDbContext database, Guid actor, string action, string kind, Guid subject, Guid? agency, JsonObject values, DateTimeOffset now) =>
        database.Audit(actor, action, kind, subject, agency, JsonElement.Parse(values.ToJsonString()), now);

    private static ReportingJson CreateJson()
    {
        var options = new JsonSerializerOptions(ReportingJson.Default.Options) { TypeInfoResolver = null };
        options.Converters.Insert(0, new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower));
        return new ReportingJson(options);
    }

    /// <summary>Replaces a deleted user's id by <see cref="ErasedUser"/>, also in the values.</summary>
    public static async Task EraseAuditAsync(this ReportingDbContext database, Guid user, CancellationToken cancellationToken)
    {
        var (id, path) = (user.ToString(), $"$.** ? (@ == \"{user}\")");
        await database.Database.ExecuteSqlAsync($"SELECT set_config('kashif.erased_user', {id}, true)", cancellationToken);
        await database.Database.ExecuteSqlAsync(
            $"""
            UPDATE audit_entries SET
                actor_id = CASE WHEN actor_id = {user} THEN {ErasedUser.Id} ELSE actor_id END,
                subject_id = CASE WHEN subject_id = {user} THEN {ErasedUser.Id} ELSE subject_id END,
                values = replace(values::text, {id}, {ErasedUser.Id.ToString()})::jsonb
            WHERE actor_id = {user} OR subject_id = {user} OR values @? {path}::jsonpath
            """,
            cancellationToken);
    }
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    /// <summary>Refuses changes also by a person with access to the database. An update is allowed if it replaces the erased user's id and nothing else.</summary>
    public const string TriggersSql = """
        CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE erased CONSTANT text := nullif(current_setting('kashif.erased_user', true), '');
        BEGIN
            IF TG_OP = 'UPDATE' AND erased IS NOT NULL
                AND to_jsonb(NEW) = replace(to_jsonb(OLD)::text, erased, '00000000-0000-0000-0000-000000000000')::jsonb THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'The audit trail is append-only.';
        END $$;
        CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
        CREATE TRIGGER audit_kept BEFORE DELETE OR TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
        """;

    /// <summary>Takes <see cref="TriggersSql"/> back.</summary>
    public const string DropTriggersSql =
        "DROP TRIGGER audit_kept ON audit_entries; DROP TRIGGER audit_unchanged ON audit_entries; DROP FUNCTION refuse_audit_change();";

    public void Configure(EntityTypeBuilder<AuditEntry> entry)
    {
        entry.ToTable("audit_entries");
        entry.HasKey(row => row.Id);
        entry.Property(row => row.Id).ValueGeneratedNever();
        entry.HasIndex(row => new { row.SubjectId, row.Id });
        entry.HasIndex(row => new { row.ActorId, row.Id });
        entry.HasIndex(row => new { row.AgencyId, row.Id });
        entry.HasIndex(row => row.Values).HasMethod("gin"); // an erasure looks for an id in any place
    }
}
