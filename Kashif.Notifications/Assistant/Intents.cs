namespace Kashif.Notifications.Assistant;

/// <summary>What a question is about, by the words in it.</summary>
internal static class Intents
{
    public const string Overdue = "overdue";
    public const string ReportStatus = "report_status";
    public const string HowToReport = "how_to_report";
    public const string MyRedemptions = "my_redemptions";
    public const string HowToRedeem = "how_to_redeem";
    public const string PointsBalance = "points_balance";
    public const string Rank = "rank";
    public const string UnreadNotifications = "notifications_unread";
    public const string Help = "help";
    public const string Unknown = "unknown";

    /// <summary>The reply of a language model to a question that the rules do not recognise.</summary>
    public const string Open = "open";

    /// <summary>
    /// Each text is a pattern: it matches if the question has a word for each of its stems, in any order. The pattern with the most stems wins,
    /// then the one further up. The stems are as <see cref="QuestionWords"/> writes words.
    /// </summary>
    private static readonly (string Intent, string[] Patterns)[] Table =
    [
        (Overdue,
        [
            "overdue", "late", "delay", "deadline", "due", "how long", "when report", "when fixed", "when resolv", "when repair",
            "تاخر بلاغ", "تاخر", "موعد", "متي بلاغ", "متي حل", "متي اصلاح", "متي يصلح", "كم يستغرق",
        ]),
        (ReportStatus,
        [
            "where report", "status report", "happen report", "progress report", "update report", "my report", "latest report", "report fixed", "report resolv", "status",
            "اين بلاغ", "وين بلاغ", "حاله بلاغ", "مصير بلاغ", "اخر بلاغ", "تحديث بلاغ", "بلاغي", "بلاغاتي",
        ]),
        (HowToReport,
        [
            "how report", "how do report", "how can report", "how to report", "how submit", "file report", "create report", "new report", "report problem", "want report",
            "كيف ابلغ", "كيف بلاغ", "كيف اقدم", "تقديم بلاغ", "ارسال بلاغ", "بلاغ جديد", "اريد ابلغ", "الابلاغ عن",
        ]),
        (MyRedemptions,
        [
            "my coupon", "my voucher", "my redemption", "my code", "redeemed", "bought", "قسايمي", "كوبوناتي", "استبدلت", "استبدالاتي", "مشترياتي",
        ]),
        (HowToRedeem,
        [
            "how redeem", "redeem point", "redeem", "coupon", "voucher", "afford", "spend point", "use point", "what can get", "what can buy",
            "كيف استبدل", "استبدل نقاط", "استبدل", "استبدال", "قسيم", "قسايم", "كوبون", "اصرف نقاط", "استخدم نقاط", "ماذا استطيع شراء",
        ]),
        (PointsBalance,
        [
            "how many point", "how much point", "my point", "point have", "point", "balance", "كم نقط", "كم نقاط", "كم لدي نقط", "نقاطي", "نقاط", "رصيد",
        ]),
        (Rank, ["rank", "ranking", "ranked", "leaderboard", "my position", "my place", "ترتيب", "مرتبتي", "مركزي", "متصدر", "صداره"]),
        (UnreadNotifications, ["unread", "notification", "new message", "any message", "اشعار", "تنبيهات", "مقرو", "رسايل"]),
        (Help, ["help", "hello", "hi", "hey", "what can you do", "what can ask", "thank", "مساعد", "مرحبا", "اهلا", "سلام", "ماذا تستطيع", "ماذا يمكنك", "شكرا"]),
    ];

    private static readonly (string Intent, string[] Stems)[] Rules =
        [.. from row in Table from pattern in row.Patterns select (row.Intent, pattern.Split(' '))];

    /// <returns>Null if no rule matches.</returns>
    public static string? Find(IReadOnlyList<string> words) =>
        Rules.Where(rule => rule.Stems.All(stem => words.Any(word => QuestionWords.HasStem(word, stem)))).OrderByDescending(rule => rule.Stems.Length)
            .Select(rule => rule.Intent).FirstOrDefault();
}
