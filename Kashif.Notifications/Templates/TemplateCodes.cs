using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Kashif.Messaging.Events;

namespace Kashif.Notifications.Templates;

/// <summary>
/// The codes of the texts that ship with the service, and their variables. Each has the files <c>Defaults/&lt;code&gt;.en.liquid</c>
/// and <c>.ar.liquid</c>.
/// </summary>
internal static class TemplateCodes
{
    /// <summary>A push or an e-mail that merges others.</summary>
    public const string Digest = "digest";

    /// <summary>A new status of a report that the user follows.</summary>
    public const string ReportFollowedChanged = "report.followed_changed";

    /// <summary>A new report in an area that the user follows.</summary>
    public const string AreaReportCreated = "area.report_created";

    /// <summary>A resolved report in an area that the user follows.</summary>
    public const string AreaReportResolved = "area.report_resolved";

    /// <summary>A visit at which the user is to be there: scheduled, moved, completed or cancelled.</summary>
    public const string VisitUpdated = "visit.updated";

    public const int MaxLength = 100;

    public static FrozenDictionary<string, TemplateDefinition> All { get; } = new TemplateDefinition[]
    {
        new(UserRegistered.Type, Text("full_name", "Amal Haddad")),
        new(ReportCreated.Type, Text("title", "Broken street lamp")),
        new(ReportStatusUpdated.Type, Text("title", "Broken street lamp"), Text("status", "in_progress"), Text("comment", "A crew is on its way.").Optional()),
        new(ReportCommented.Type, Text("title", "Broken street lamp"), Flag("by_staff", true)),
        new(ReportAssigned.Type, Text("title", "Broken street lamp")),
        new(ReportOverdue.Type, Text("title", "Broken street lamp"), Time("due_at", "2026-12-08T09:30:00Z")),
        new(ReportFollowedChanged, Text("title", "Broken street lamp"), Text("status", "in_progress"), Text("comment", "A crew is on its way.").Optional()),
        new(AreaReportCreated, Text("title", "Broken street lamp"), Text("area", "Old town"), Text("area_ar", "المدينة القديمة")),
        new(AreaReportResolved, Text("title", "Broken street lamp"), Text("area", "Old town"), Text("area_ar", "المدينة القديمة"), Text("comment", "The lamp is new.").Optional()),
        new(SurveyRequested.Type, Text("title", "Broken street lamp"), Time("answer_until", "2026-12-31T22:00:00Z")),
        new(PointsAwarded.Type, Number("points", 10), Number("balance", 60)),
        new(PointsExpired.Type, Number("points", 10), Number("balance", 60)),
        new(PointsReversed.Type, Number("points", -10), Number("balance", 50), Text("reason", "report_rejected")),
        new(QuestCompleted.Type, Text("title", "Three potholes"), Text("title_ar", "ثلاث حفر"), Number("points", 50)),
        new(AchievementUnlocked.Type, Text("title", "First report"), Text("title_ar", "أول بلاغ")),
        new(CouponRedeemed.Type, Text("title", "Free coffee"), Number("points_spent", 50)),
        new(OrderUpdated.Type, Text("status", "shipped"), Text("reason", "seller").Optional()),
        new(VisitUpdated, Text("title", "Broken street lamp"), Text("change", "scheduled"), Flag("confirmed", false), Text("day", "2026-12-08"), Text("from", "11:00"), Text("to", "13:00"),
            Text("comment", "The lamp is repaired.").Optional()),
        new(AlertTemplates.Balance, Number("balance", 520), Number("threshold", 500), Flag("below", false)),
        new(AlertTemplates.Score, Number("score", 71), Number("threshold", 70), Flag("below", false)),
        new(AlertTemplates.ReportNear, Text("title", "Broken street lamp"), Text("category", "street_light"), Number("distance_km", 1)),
        new(AlertTemplates.ReportOverdue, Text("title", "Broken street lamp"), Time("due_at", "2026-12-08T09:30:00Z")),
        new(AlertTemplates.CouponBack, Text("title", "Free coffee")),
        new(AlertTemplates.CouponExpiring, Text("title", "Free coffee"), Time("ends_at", "2026-12-31T22:00:00Z")),
        AccountMail(EmailVerificationRequested.Type, Link("link", "https://app.kashif.example/verify-email#token=EXAMPLE")),
        AccountMail(PasswordResetRequested.Type, Link("link", "https://app.kashif.example/reset-password#token=EXAMPLE")),
        AccountMail(UserInvited.Type, Link("link", "https://app.kashif.example/take-over#token=EXAMPLE")),
        AccountMail(UserSecurityChanged.Type, Text("change", SecurityChanges.PasswordChanged)),
        new(Digest, Number("count", 2), new("titles", VariableType.List, new JsonArray("Points earned", "Report received"))),
    }.ToFrozenDictionary(definition => definition.Code);

    private static TemplateDefinition AccountMail(string code, TemplateVariable variable) =>
        new(code, variable) { Channels = [ChannelNames.Email], IsAccountMail = true };

    private static TemplateVariable Text(string name, string sample) => new(name, VariableType.Text, JsonValue.Create(sample));

    private static TemplateVariable Number(string name, long sample) => new(name, VariableType.Number, JsonValue.Create(sample));

    private static TemplateVariable Flag(string name, bool sample) => new(name, VariableType.Boolean, JsonValue.Create(sample));

    private static TemplateVariable Time(string name, string sample) => new(name, VariableType.Time, JsonValue.Create(sample));

    private static TemplateVariable Link(string name, string sample) => new(name, VariableType.Link, JsonValue.Create(sample));
}
