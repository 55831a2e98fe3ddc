using Microsoft.OpenApi;

namespace Kashif.OpenApi;

/// <summary>Describes the groups of operations.</summary>
internal static class Tags
{
    private static readonly Dictionary<string, string> Descriptions = new()
    {
        ["Accounts"] = "Register, verify the e-mail address, reset the password; read, change, export and delete your account.",
        ["Achievements"] = "What users can achieve, and the levels.",
        ["Adjustments"] = "Give and take points, reverse awards, and list who did it and why.",
        ["Admin"] = "Find users, change their roles, disable and delete them.",
        ["Agencies"] = "The city's agencies, the areas that they are responsible for, and which reports they work on.",
        ["Alerts"] = "The user's own rules for notifications.",
        ["API keys"] = "Keys with which programs act for their owner.",
        ["Areas"] = "The parts of the city, for leaderboards and rules.",
        ["Assistant"] = "Questions about the user's own data, in English and Arabic.",
        ["Audit"] = "The audit log: what happened to accounts, sessions and keys.",
        ["Audit trail"] = "What staff changed, when, and the new values.",
        ["Calendars"] = "Secret addresses at which calendar apps read visits.",
        ["Catalogue"] = "Coupons, companies and categories.",
        ["Categories"] = "The categories of reports.",
        ["Community"] = "Votes, comments, and followers of reports and areas.",
        ["Customers"] = "For customer service: accounts of people who report by phone or at the counter.",
        ["Daily reports"] = "The points and redemptions of a day.",
        ["Dead letters"] = "Messages that the service failed to handle: list, edit and replay them.",
        ["Deliveries"] = "Pushes and e-mails that were not delivered: list and replay them.",
        ["Devices"] = "Devices that receive pushes.",
        ["Discovery"] = "The token service's settings and public keys, for programs that verify tokens.",
        ["Imports"] = "Take over the reports of another system.",
        ["Keys"] = "The keys that sign tokens.",
        ["Leaderboard"] = "The users with the most points.",
        ["Map"] = "Reports for maps and charts: clusters, vector tiles, statistics and exports.",
        ["Notifications"] = "The user's notifications and preferences.",
        ["Open311"] = "Open311 GeoReport v2 at `/open311/v2`, whose errors are those of its specification; its API keys, and what came through it.",
        ["Orders"] = "Order products with points, follow orders and payments; for sellers: pack and ship them.",
        ["Partners"] = "For companies: manage coupons, their stock and codes, and accept codes at the till.",
        ["Photos"] = "Photos of reports.",
        ["Points"] = "Balances and the ledger of points.",
        ["Profiles"] = "Display names, public profiles, and who is on the leaderboards.",
        ["Quests"] = "Tasks with a reward in points, and the budgets that pay for them.",
        ["Redemptions"] = "Redeem points for coupons, and the codes of redeemed coupons.",
        ["Reports"] = "Reports of problems, their status and its history.",
        ["Response templates"] = "Prepared texts with which staff answer reporters.",
        ["Rules"] = "What earns how many points: the rules in force, drafts, and dry runs on past events.",
        ["Sending"] = "Send messages to users and topics.",
        ["Sessions"] = "The places where the user is signed in.",
        ["Shop"] = "Products that users order with points, and their stock.",
        ["Surveys"] = "Whether reports are really fixed: questions to reporters, answers and results.",
        ["Sync"] = "For apps that work offline: file reports later, and keep a copy of the public reports.",
        ["Templates"] = "The texts of notifications and mails.",
        ["Tokens"] = "Sign in, refresh and revoke tokens (OAuth 2.0).",
        ["Topics"] = "The topics whose messages the user gets.",
        ["Trust"] = "Trust scores of reporters, and the models that they come from.",
        ["Two-factor"] = "Two-factor authentication by app and recovery codes.",
        ["Visits"] = "Appointments of crews and vehicles: schedule, confirm, move and complete them.",
        ["Webhooks"] = "Where events of public reports are sent, and what was delivered.",
        ["Work"] = "What staff do with reports: assign them, and write notes for each other.",
        ["Work orders"] = "Projects and work orders: what crews do about reports.",
        ["Workforce"] = "The registers of employees, crews and vehicles.",
    };

    public static Task DescribeAsync(OpenApiDocument document)
    {
        foreach (var tag in document.Tags ?? new HashSet<OpenApiTag>())
        {
            tag.Description = tag.Name is { } name ? Descriptions.GetValueOrDefault(name) : null;
        }

        return Task.CompletedTask;
    }
}
