using System.Globalization;
using Kashif.Notifications.Data;
using Kashif.Notifications.Inbox;
using Kashif.Notifications.Templates;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Assistant;

/// <summary>Answers the questions of <see cref="Intents"/> from the services' data.</summary>
internal sealed class RuleModel(ServiceReader reader, NotificationsDbContext database, TimeProvider time) : IAssistantModel
{
    /// <summary>How many things a reply lists.</summary>
    private const int Listed = 5;

    /// <summary>Words of titles and questions that tell nothing apart.</summary>
    private static readonly HashSet<string> CommonWords =
    [
        "report", "reports", "where", "what", "status", "the", "and", "about", "with", "for", "this", "that", "has", "have", "was", "near", "from",
        "بلاغ", "بلاغي", "بلاغاتي", "اين", "حاله", "علي", "في", "من", "عن", "هذا", "هذه",
    ];

    public async Task<AssistantReply?> AnswerAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var words = QuestionWords.Of(question.Text);
        return Intents.Find(words) switch
        {
            Intents.Overdue => await OverdueAsync(question, cancellationToken),
            Intents.ReportStatus => await ReportStatusAsync(question, words, cancellationToken),
            Intents.HowToReport => HowToReport(question),
            Intents.MyRedemptions => await RedemptionsAsync(question, cancellationToken),
            Intents.HowToRedeem => await HowToRedeemAsync(question, cancellationToken),
            Intents.PointsBalance => await PointsAsync(question, cancellationToken),
            Intents.Rank => await RankAsync(question, cancellationToken),
            Intents.UnreadNotifications => await UnreadAsync(question, cancellationToken),
            Intents.Help => new(Intents.Help, $"{question.Say("Hello!", "مرحباً!")} {Examples(question)}"),
            _ => null,
        };
    }

    public static AssistantReply Unknown(AssistantQuestion question) => new(
        Intents.Unknown, $"{question.Say("I did not understand the question.", "لم أفهم السؤال.")} {Examples(question)}");

    private static string Examples(AssistantQuestion question) => question.Say(
        "You can ask me where your report is, which reports are overdue, how many points you have, your rank, how to redeem points, which coupons you have, or how many notifications are unread.",
        "يمكنك أن تسألني: أين بلاغي؟ هل تأخر بلاغي؟ كم نقطة لدي؟ ما ترتيبي؟ كيف أستبدل نقاطي؟ ما قسائمي؟ كم إشعاراً لم أقرأ؟");

    private async Task<AssistantReply> ReportStatusAsync(AssistantQuestion question, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        var reading = await reader.ReportsAsync(question, cancellationToken);
        if (reading.Data is not { } page)
        {
            return Trouble(Intents.ReportStatus, question, reading);
        }

        if (page.Items.Count == 0)
        {
            return new(Intents.ReportStatus, question.Say("You have no reports yet.", "ليس لديك بلاغات بعد."), ServiceReader.Reports);
        }

        // Those whose title the question names; else the latest, or all where it asks for reports.
        var named = page.Items.Where(report => QuestionWords.Of(report.Title).Any(word => word.Length > 2 && !CommonWords.Contains(word) && words.Contains(word))).ToList();
        var asksForAll = words.Any(word => word is "reports" || word.Contains("بلاغات", StringComparison.Ordinal));
        var reports = (named.Count > 0 ? named : asksForAll ? page.Items : page.Items.Take(1)).Take(Listed).ToList();
        return new(Intents.ReportStatus, Lines(reports.Select(report => Describe(question, report))), [.. reports.Select(report => report.Path)]);
    }

    private async Task<AssistantReply> OverdueAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var reading = await reader.ReportsAsync(question, cancellationToken);
        if (reading.Data is not { } page)
        {
            return Trouble(Intents.Overdue, question, reading);
        }

        var due = page.Items.Where(report => report is { IsOpen: true, ExpectedAt: not null }).OrderBy(report => report.ExpectedAt).Take(Listed).ToList();
        if (due.Count == 0)
        {
            return new(Intents.Overdue, question.Say("Your open reports have no due dates.", "ليس لأي من بلاغاتك المفتوحة موعد محدد."), ServiceReader.Reports);
        }

        var now = time.GetUtcNow();
        return new(
            Intents.Overdue,
            Lines(due.Select(report => (report.ExpectedAt < now, Day(question, report.ExpectedAt.GetValueOrDefault())) switch
            {
                (true, var day) => question.Say($"“{report.Title}” is overdue: it was to be resolved by {day}.", $"تأخر بلاغك «{report.Title}»: كان من المقرر حله بحلول {day}."),
                (false, var day) => question.Say($"“{report.Title}” is to be resolved by {day}.", $"من المقرر حل بلاغك «{report.Title}» بحلول {day}."),
            })),
            [.. due.Select(report => report.Path)]);
    }

    private static AssistantReply HowToReport(AssistantQuestion question) => new(
        Intents.HowToReport,
        question.Say(
            "Create a report with a title, a description, a category and the place on the map, and add photos if you can. City staff check it, and you are told of every step. You get points when it is received, verified and resolved.",
            "أنشئ بلاغاً بعنوان ووصف وتصنيف وموقع على الخريطة، وأضف صوراً إن أمكن. يتحقق منه موظفو المدينة ويصلك إشعار بكل خطوة. تكسب نقاطاً عند استلامه والتحقق منه وحله."),
        "/api/v1/reports/categories");

    private async Task<AssistantReply> PointsAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var reading = await reader.PointsAsync(question, cancellationToken);
        return reading.Data is { } points
            ? new(
                Intents.PointsBalance,
                question.Say(
                    $"You have {Points(question, points.Points)}. You are at level {points.Level} and have earned {Points(question, points.Earned)} in all.",
                    $"رصيدك {Points(question, points.Points)}. أنت في المستوى {points.Level}، ومجموع ما كسبته {Points(question, points.Earned)}."),
                ServiceReader.Points)
            : Trouble(Intents.PointsBalance, question, reading);
    }

    private async Task<AssistantReply> RankAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var reading = await reader.PointsAsync(question, cancellationToken);
        return reading.Data is { } points
            ? new(
                Intents.Rank,
                points.Rank is { } rank
                    ? question.Say($"You are number {rank} on the leaderboard, with {Points(question, points.Points)}.", $"ترتيبك في لوحة الصدارة {rank}، ورصيدك {Points(question, points.Points)}.")
                    : question.Say("You have no rank yet: it comes with your first points.", "ليس لك ترتيب بعد: يظهر مع أول نقاطك."),
                ServiceReader.Points, "/api/v1/gamification/leaderboard")
            : Trouble(Intents.Rank, question, reading);
    }

    private async Task<AssistantReply> HowToRedeemAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var how = question.Say(
            "Choose a coupon and redeem it: its price in points is taken from your balance, and you get a code to show to the company.",
            "اختر قسيمة واستبدلها: يُخصم ثمنها بالنقاط من رصيدك، وتحصل على رمز تُظهره للشركة.");
        var reading = await reader.AffordableAsync(question, cancellationToken);
        if (reading.Data is not { } page)
        {
            return new(Intents.HowToRedeem, Lines([how, Trouble(Intents.HowToRedeem, question, reading).Text]));
        }

        var coupons = page.Items.Where(coupon => coupon.Stock > 0).OrderBy(coupon => coupon.PointsCost).Take(Listed).ToList();
        return coupons.Count == 0
            ? new(Intents.HowToRedeem, Lines([how, question.Say("No coupon is within your balance yet.", "لا تكفي نقاطك لأي قسيمة بعد.")]), ServiceReader.Coupons)
            : new(
                Intents.HowToRedeem,
                Lines(
                [
                    how,
                    question.Say("You have enough points for:", "تكفي نقاطك للقسائم التالية:"),
                    .. coupons.Select(coupon => question.Say($"“{coupon.Title}”, {coupon.CompanyName}: {Points(question, coupon.PointsCost)}", $"«{coupon.Title}»، {coupon.CompanyName}: {Points(question, coupon.PointsCost)}")),
                ]),
                [.. coupons.Select(coupon => $"{ServiceReader.Coupons}/{coupon.Id}")]);
    }

    /// <summary>Without the codes: the history is stored, and others may see it on the screen.</summary>
    private async Task<AssistantReply> RedemptionsAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var reading = await reader.RedemptionsAsync(question, cancellationToken);
        if (reading.Data is not { } page)
        {
            return Trouble(Intents.MyRedemptions, question, reading);
        }

        return page.Items.Count == 0
            ? new(Intents.MyRedemptions, question.Say("You have not redeemed a coupon yet.", "لم تستبدل أي قسيمة بعد."), ServiceReader.Redemptions)
            : new(
                Intents.MyRedemptions,
                Lines(page.Items.Select(redemption => Describe(question, redemption))),
                [.. page.Items.Select(redemption => $"/api/v1/coupons/redemptions/{redemption.Id}")]);
    }

    private async Task<AssistantReply> UnreadAsync(AssistantQuestion question, CancellationToken cancellationToken)
    {
        var count = await database.Notifications.Where(row => row.UserId == question.UserId).Unread().CountAsync(cancellationToken);
        return new(
            Intents.UnreadNotifications,
            count == 0
                ? question.Say("You have no unread notifications.", "ليس لديك إشعارات غير مقروءة.")
                : question.Say($"Unread notifications: {count}.", $"الإشعارات غير المقروءة: {count}."),
            $"{NotificationsExtensions.Root}/unread-count");
    }

    private static AssistantReply Trouble<T>(string intent, AssistantQuestion question, Reading<T> reading)
        where T : class => new(
        intent,
        reading.Outcome == ReadOutcome.Forbidden
            ? question.Say($"This API key may not read that: it lacks the scope {reading.Service}:read.", $"لا يسمح مفتاح API هذا بقراءة ذلك: ينقصه النطاق {reading.Service}:read.")
            : question.Say("I cannot look that up at the moment. Please ask again in a little while.", "لا يمكنني الاطلاع على ذلك الآن. من فضلك اسأل مجدداً بعد قليل."));

    private static string Describe(AssistantQuestion question, ReportItem report)
    {
        var day = Day(question, report.UpdatedAt);
        return question.Say(
            $"“{report.Title}” is {report.Status.Replace('_', ' ')} since {day}.",
            $"حالة بلاغك «{report.Title}» منذ {day}: {ArabicStatus(report.Status)}.");
    }

    private static string Describe(AssistantQuestion question, RedemptionItem redemption) => (redemption.Status, redemption.ExpiresAt) switch
    {
        ("completed", { } end) => question.Say($"“{redemption.Coupon.Title}”: valid until {Day(question, end)}.", $"«{redemption.Coupon.Title}»: صالحة حتى {Day(question, end)}."),
        ("completed", null) => question.Say($"“{redemption.Coupon.Title}”: valid.", $"«{redemption.Coupon.Title}»: صالحة."),
        ("cancelled", _) => question.Say($"“{redemption.Coupon.Title}”: cancelled, no points were taken.", $"«{redemption.Coupon.Title}»: ملغاة ولم تُخصم نقاط."),
        _ => question.Say($"“{redemption.Coupon.Title}”: in progress.", $"«{redemption.Coupon.Title}»: قيد التنفيذ."),
    };

    private static string ArabicStatus(string status) => status switch
    {
        "submitted" => "مُستلم",
        "verified" => "تم التحقق منه",
        "in_progress" => "قيد المعالجة",
        "resolved" => "تم الحل",
        "rejected" => "مرفوض",
        "duplicate" => "مكرر",
        "withdrawn" => "مسحوب",
        _ => status,
    };

    private static string Points(AssistantQuestion question, long points) => (question.InArabic, PluralRules.Category(question.Language, points)) switch
    {
        (false, "one") => $"{points} point",
        (false, _) => $"{points} points",
        (true, "one") => "نقطة واحدة",
        (true, "two") => "نقطتان",
        (true, "few") => $"{points} نقاط",
        _ => $"{points} نقطة",
    };

    private static string Day(AssistantQuestion question, DateTimeOffset instant) =>
        instant.UtcDateTime.ToString("d MMMM yyyy", CultureInfo.GetCultureInfo(question.Language));

    private static string Lines(IEnumerable<string> lines) => string.Join('\n', lines);
}
