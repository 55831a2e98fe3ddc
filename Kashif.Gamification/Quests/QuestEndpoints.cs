using System.Security.Claims;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Messaging.Events;
using Kashif.Messaging.Geography;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Quests;

/// <summary>A new quest.</summary>
/// <param name="TitleEn" example="Three potholes">The title in English.</param>
/// <param name="TitleAr" example="ثلاث حفر">The title in Arabic.</param>
/// <param name="Event" example="report.status_updated">The event that counts: <c>report.created</c> or <c>report.status_updated</c> of the user's reports, or <c>report.voted</c>, the user's vote for a report of another.</param>
/// <param name="Count" example="3">How many reports complete the quest.</param>
/// <param name="RewardPoints" example="50">What each winner gets, from the budget.</param>
/// <param name="BudgetId" example="3">The budget that pays.</param>
/// <param name="EndsAt" example="2027-05-01T00:00:00Z">When it ends, within the budget's time.</param>
/// <param name="StartsAt" example="2027-04-01T00:00:00Z">When it begins, within the budget's time; null means now.</param>
/// <param name="Status" example="verified">The new status that counts: <c>verified</c>, <c>in_progress</c> or <c>resolved</c>. Only for <c>report.status_updated</c>; null for every status.</param>
/// <param name="Category" example="pothole">Only reports of this category; null for all.</param>
/// <param name="Latitude" example="33.51">Only reports around this place: degrees north. Together with the next two.</param>
/// <param name="Longitude" example="36.29">Degrees east.</param>
/// <param name="RadiusKm" example="1">The distance from the place in kilometres.</param>
/// <param name="Days" example="7">How many days a user has from joining; null until the quest ends.</param>
/// <param name="MaxWinners" example="100">How many users can win; null for as many as the budget pays.</param>
/// <param name="DescriptionEn" example="Report three potholes that the city confirms.">What to do, in English.</param>
/// <param name="DescriptionAr" example="أبلغ عن ثلاث حفر تؤكدها المدينة.">What to do, in Arabic.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record QuestRequest(
    [Title(1, Quest.TitleLength)] string TitleEn,
    [Title(1, Quest.TitleLength)] string TitleAr,
    [property: Values("report.created", "report.status_updated", "report.voted")] string Event,
    [Between(1, Quest.MaxCount)] int Count,
    [Between(1, Quest.MaxReward)] int RewardPoints,
    [Between(1, int.MaxValue)] int BudgetId,
    DateTimeOffset EndsAt,
    DateTimeOffset? StartsAt = null,
    string? Status = null,
    [Identifier(50)] string? Category = null,
    [Between(-90.0, 90.0)] double? Latitude = null,
    [Between(-180.0, 180.0)] double? Longitude = null,
    [Between(0.1, 1000.0)] double? RadiusKm = null,
    [Between(1, Quest.MaxDays)] int? Days = null,
    [Between(1, 1_000_000)] int? MaxWinners = null,
    [Text(Quest.TextLength)] string DescriptionEn = "",
    [Text(Quest.TextLength)] string DescriptionAr = "");

/// <summary>Fields that are left out do not change. Users who have joined keep their time and their reward.</summary>
/// <param name="TitleEn" example="Three potholes">The title in English.</param>
/// <param name="TitleAr" example="ثلاث حفر">The title in Arabic.</param>
/// <param name="DescriptionEn" example="Report three potholes that the city confirms.">What to do, in English.</param>
/// <param name="DescriptionAr" example="أبلغ عن ثلاث حفر تؤكدها المدينة.">What to do, in Arabic.</param>
/// <param name="EndsAt" example="2027-05-15T00:00:00Z">When it ends, within the budget's time. A past time closes it to new users.</param>
/// <param name="MaxWinners" example="150">How many users can win.</param>
public sealed record ChangeQuestRequest(
    [Title(1, Quest.TitleLength)] string? TitleEn = null,
    [Title(1, Quest.TitleLength)] string? TitleAr = null,
    [Text(Quest.TextLength)] string? DescriptionEn = null,
    [Text(Quest.TextLength)] string? DescriptionAr = null,
    DateTimeOffset? EndsAt = null,
    [Between(1, 1_000_000)] int? MaxWinners = null);

/// <summary>A text in English and Arabic.</summary>
/// <param name="En" example="Three potholes">In English.</param>
/// <param name="Ar" example="ثلاث حفر">In Arabic.</param>
internal sealed record QuestText(string En, string Ar);

/// <summary>A task for users, with a reward in points.</summary>
/// <param name="Id" example="5">The quest's id.</param>
/// <param name="Title">The title.</param>
/// <param name="Description">What to do.</param>
/// <param name="Event" example="report.status_updated">The event that counts.</param>
/// <param name="Status" example="verified">The new status that counts; null for every status.</param>
/// <param name="Category" example="pothole">Only reports of this category; null for all.</param>
/// <param name="Latitude" example="33.51">Only reports around this place: degrees north; null for the whole city.</param>
/// <param name="Longitude" example="36.29">Degrees east.</param>
/// <param name="RadiusKm" example="1">The distance from the place in kilometres.</param>
/// <param name="Count" example="3">How many reports complete the quest. Rejected, withdrawn and duplicate ones do not count.</param>
/// <param name="RewardPoints" example="50">What each winner gets.</param>
/// <param name="MaxWinners" example="100">How many users can win; null for as many as the budget pays.</param>
/// <param name="Days" example="7">How many days a user has from joining; null until the quest ends.</param>
/// <param name="StartsAt" example="2027-04-01T00:00:00Z">When it begins.</param>
/// <param name="EndsAt" example="2027-05-01T00:00:00Z">When it ends.</param>
/// <param name="IsCancelled" example="false">Whether it was cancelled.</param>
internal sealed record QuestResponse(
    int Id, QuestText Title, QuestText Description, string Event, string? Status, string? Category, double? Latitude, double? Longitude, double? RadiusKm,
    int Count, int RewardPoints, int? MaxWinners, int? Days, DateTimeOffset StartsAt, DateTimeOffset EndsAt, bool IsCancelled)
{
    public static QuestResponse Of(Quest quest) => new(
        quest.Id, new QuestText(quest.TitleEn, quest.TitleAr), new QuestText(quest.DescriptionEn, quest.DescriptionAr), quest.Event, quest.Status, quest.Category,
        quest.Latitude, quest.Longitude, quest.RadiusKm, quest.Count, quest.Reward, quest.MaxWinners, quest.Days, quest.StartsAt, quest.EndsAt,
        quest.CancelledAt is not null);
}

/// <summary>A quest for those who manage it.</summary>
/// <param name="Quest">The quest.</param>
/// <param name="BudgetId" example="3">The budget that pays.</param>
/// <param name="Joined" example="8">How many users have joined and may still complete it.</param>
/// <param name="Completed" example="24">How many users have completed it and are paid.</param>
internal sealed record ManagedQuestResponse(QuestResponse Quest, int BudgetId, int Joined, int Completed);

/// <summary>A user in a quest.</summary>
/// <param name="Quest">The quest.</param>
/// <param name="Status">`joined` while the user may complete it; its reward is reserved as long.</param>
/// <param name="Progress" example="2">How many reports count so far; `count` of the quest completes it.</param>
/// <param name="RewardPoints" example="50">What the user gets.</param>
/// <param name="JoinedAt">When the user joined: earlier events do not count.</param>
/// <param name="Deadline">Until when the user can complete it.</param>
internal sealed record ParticipationResponse(
    QuestResponse Quest, ParticipationStatus Status, int Progress, int RewardPoints, DateTimeOffset JoinedAt, DateTimeOffset Deadline);

/// <summary>Which quests.</summary>
public sealed class QuestFilter
{
    /// <summary>Degrees north. Together with `longitude`: only quests for the whole city, and those whose area is near this point.</summary>
    /// <example>33.51</example>
    [FromQuery(Name = "latitude"), Between(-90.0, 90.0)]
    public double? Latitude { get; set; }

    /// <summary>Degrees east.</summary>
    /// <example>36.29</example>
    [FromQuery(Name = "longitude"), Between(-180.0, 180.0)]
    public double? Longitude { get; set; }

    /// <summary>How near the area of a quest must begin, in kilometres; 0 for areas that contain the point.</summary>
    /// <example>2.5</example>
    [FromQuery(Name = "radius_km"), Between(0.0, 1000.0), System.ComponentModel.DefaultValue(0.0)]
    public double? RadiusKm { get; set; }
}

internal static class QuestEndpoints
{
    private const string Path = "/api/v1/gamification/quests";

    /// <summary>How old a cached list may be.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(5);

    private static Error NotFound { get; } = Error.NotFound("Quest not found.");

    private static Error Closed { get; } = Error.Rule("quest_closed", "This quest has not begun, has ended or was cancelled.");

    private static Error Full { get; } = Error.Rule("quest_full", "This quest has all its participants.");

    private static Error Exhausted { get; } = Error.Rule("budget_exhausted", "The budget of this quest cannot pay another reward.");

    public static IEndpointRouteBuilder MapQuests(this IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Path).WithTags("Quests").RequireAuthorization();
        group.MapGet("/", ListAsync).DisableValidation().AllowAnonymous().WithPublicCache(MaxAge).WithName("ListQuests").WithSummary("List open quests");
        group.MapGet("/me", ListMineAsync).WithName("ListMyQuests").WithSummary("List my quests and their progress, newest first");
        group.MapPost("/{id:int}/join", JoinAsync).WithIdempotency()
            .WithName("JoinQuest").WithSummary("Join a quest")
            .WithDescription("Reserves the reward: a user who completes the quest in time is paid. Joining again returns the same.")
            .WithProblems(422, "quest_closed", "quest_full", "budget_exhausted");
        group.MapGet("/managed", ListManagedAsync).RequireAuthorization(Policies.Partner)
            .WithName("ListManagedQuests").WithSummary("List the quests that I manage, newest first")
            .WithDescription("Lists open and other quests. An admin sees all quests. A partner sees the quests that a budget of the assigned companies pays for.");
        group.MapPost("/", CreateAsync).RequireAuthorization(Policies.Partner).WithIdempotency().DisableValidation()
            .WithName("CreateQuest").WithSummary("Create a quest").WithDescription("The budget that pays is one that the caller manages.");
        group.MapPatch("/{id:int}", ChangeAsync).RequireAuthorization(Policies.Partner).DisableValidation()
            .WithName("ChangeQuest").WithSummary("Change a quest's texts, end and number of winners");
        group.MapPost("/{id:int}/cancel", CancelAsync).RequireAuthorization(Policies.Partner).WithIdempotency()
            .WithName("CancelQuest").WithSummary("Cancel a quest")
            .WithDescription("Ends it for the users who have joined too, and releases their rewards. Rewards that are paid stay. To end it for new users only, change `ends_at`.");
        return endpoints;
    }

    private static async Task<Results<Ok<Page<QuestResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] QuestFilter filter, [AsParameters] PageRequest page, HttpContext http, GamificationDbContext database, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, filter, page);
        if ((filter.Latitude is null) != (filter.Longitude is null))
        {
            errors.Add(filter.Latitude is null ? "latitude" : "longitude", "Set both latitude and longitude.");
        }

        errors.Add("radius_km", filter is { RadiusKm: not null, Latitude: null } ? "Requires latitude and longitude." : null);
        var after = 0;
        errors.Add("cursor", page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after) ? Cursor.Invalid : null);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        // Open quests are few.
        var now = time.GetUtcNow();
        var open = await database.Quests.AsNoTracking()
            .Where(quest => quest.CancelledAt == null && quest.StartsAt <= now && quest.EndsAt > now && quest.Id > after).OrderBy(quest => quest.Id).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of([.. open.Where(quest => IsNear(quest, filter)).Take(page.Size + 1)], page.Size, QuestResponse.Of, last => Cursor.Encode(last.Id)));
    }

    private static async Task<Results<Ok<Page<ParticipationResponse>>, ValidationProblem>> ListMineAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var userId = user.UserId;
        var rows = await database.Participations.AsNoTracking().Where(row => row.UserId == userId && (page.Cursor == null || row.Id < before))
            .OrderByDescending(row => row.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        var responses = await ToResponsesAsync(rows, database, cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => responses[row.Id], last => Cursor.Encode(last.Id)));
    }

    private static async Task<Results<Ok<Page<ManagedQuestResponse>>, ValidationProblem>> ListManagedAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var managed = database.ManagedBudgets(user).Select(budget => budget.Id);
        var rows = await database.Quests.AsNoTracking().Where(quest => managed.Contains(quest.BudgetId) && quest.Id < before)
            .OrderByDescending(quest => quest.Id).Take(page.Size + 1)
            .Select(quest => new
            {
                Quest = quest,
                Joined = database.Participations.Count(row => row.QuestId == quest.Id && row.Status == ParticipationStatus.Joined),
                Completed = database.Participations.Count(row => row.QuestId == quest.Id && row.Status == ParticipationStatus.Completed),
            })
            .ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows, page.Size, row => new ManagedQuestResponse(QuestResponse.Of(row.Quest), row.Quest.BudgetId, row.Joined, row.Completed), last => Cursor.Encode(last.Quest.Id)));
    }

    /// <param name="id" example="5">The quest's id.</param>
    private static async Task<Results<Ok<ParticipationResponse>, ProblemHttpResult>> JoinAsync(
        int id, ClaimsPrincipal user, GamificationDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);

        // One join at a time, so that the places are counted; a change and a cancellation wait.
        if (await LockAsync(id, database, cancellationToken) is not { } quest)
        {
            return NotFound.ToProblem();
        }

        var userId = user.UserId;
        var participation = await database.Participations.AsNoTracking().SingleOrDefaultAsync(row => row.QuestId == id && row.UserId == userId, cancellationToken);
        if (participation is null)
        {
            var now = time.GetUtcNow();
            if (!quest.IsOpen(now))
            {
                return Closed.ToProblem();
            }

            if (quest.MaxWinners is { } places && await database.Participations.CountAsync(
                row => row.QuestId == id && (row.Status == ParticipationStatus.Joined || row.Status == ParticipationStatus.Completed), cancellationToken) >= places)
            {
                return Full.ToProblem();
            }

            var reserved = await database.Budgets
                .Where(budget => budget.Id == quest.BudgetId && budget.StartsAt <= now && budget.EndsAt > now && budget.Points - budget.Reserved - budget.Spent >= quest.Reward)
                .ExecuteUpdateAsync(set => set.SetProperty(budget => budget.Reserved, budget => budget.Reserved + quest.Reward), cancellationToken);
            if (reserved == 0)
            {
                return Exhausted.ToProblem();
            }

            participation = new Participation
            {
                Id = TimeOrderedId.Create(now),
                QuestId = id,
                UserId = userId,
                BudgetId = quest.BudgetId,
                Reward = quest.Reward,
                JoinedAt = now,
                Deadline = quest.Deadline(now),
                ChangedAt = now,
            };
            database.Participations.Add(participation);
        }

        var response = (await ToResponsesAsync([participation], database, cancellationToken))[participation.Id];
        return await work.CommitAsync(TypedResults.Ok(response), cancellationToken);
    }

    private static async Task<Results<Created<QuestResponse>, ValidationProblem>> CreateAsync(
        QuestRequest request, HttpContext http, GamificationDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var startsAt = request.StartsAt ?? now;
        var budget = await database.ManagedBudgets(http.User).AsNoTracking().SingleOrDefaultAsync(row => row.Id == request.BudgetId, cancellationToken);
        var errors = await FieldErrors.FindAsync(http, request);
        errors.Add("event", Quest.Events.Contains(request.Event) ? null : Localized.Format($"Must be one of {string.Join(", ", Quest.Events)}."));
        errors.Add("status", request.Status switch
        {
            null => null,
            _ when request.Event != ReportStatusUpdated.Type => "Requires the event report.status_updated.",
            var status => Quest.Statuses.Contains(status) ? null : Localized.Format($"Must be one of {string.Join(", ", Quest.Statuses)}."),
        });
        var given = new[] { request.Latitude, request.Longitude, request.RadiusKm }.Count(value => value is not null);
        errors.Add("radius_km", given is 0 or 3 ? null : "Set latitude, longitude and radius_km, or none.");
        errors.Add("budget_id", budget is null ? "Budget not found." : null);
        errors.Add("starts_at", startsAt < budget?.StartsAt ? "Must be within the time of the budget." : null);
        errors.Add("ends_at", EndError(request.EndsAt, startsAt, budget));
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var quest = new Quest
        {
            TitleEn = request.TitleEn.Trim(),
            TitleAr = request.TitleAr.Trim(),
            DescriptionEn = request.DescriptionEn.Trim(),
            DescriptionAr = request.DescriptionAr.Trim(),
            Event = request.Event,
            Status = request.Status,
            Category = request.Category?.Trim(),
            Latitude = request.Latitude,
            Longitude = request.Longitude,
            RadiusKm = request.RadiusKm,
            Count = request.Count,
            Reward = request.RewardPoints,
            BudgetId = request.BudgetId,
            MaxWinners = request.MaxWinners,
            Days = request.Days,
            StartsAt = startsAt,
            EndsAt = request.EndsAt,
            CreatedAt = now,
        };
        await using var transaction = await work.BeginAsync(cancellationToken);
        database.Quests.Add(quest);
        await database.SaveChangesAsync(cancellationToken); // generates the id
        return await work.CommitAsync(TypedResults.Created(Path, QuestResponse.Of(quest)), cancellationToken);
    }

    /// <param name="id" example="5">The quest's id.</param>
    private static async Task<Results<Ok<QuestResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        int id, ChangeQuestRequest request, HttpContext http, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockManagedAsync(id, http.User, database, cancellationToken) is not { } quest)
        {
            return NotFound.ToProblem();
        }

        if (request.EndsAt is { } endsAt)
        {
            errors.Add("ends_at", EndError(endsAt, quest.StartsAt, await database.Budgets.AsNoTracking().SingleAsync(row => row.Id == quest.BudgetId, cancellationToken)));
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        quest.TitleEn = request.TitleEn?.Trim() ?? quest.TitleEn;
        quest.TitleAr = request.TitleAr?.Trim() ?? quest.TitleAr;
        quest.DescriptionEn = request.DescriptionEn?.Trim() ?? quest.DescriptionEn;
        quest.DescriptionAr = request.DescriptionAr?.Trim() ?? quest.DescriptionAr;
        quest.EndsAt = request.EndsAt ?? quest.EndsAt;
        quest.MaxWinners = request.MaxWinners ?? quest.MaxWinners;
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.Ok(QuestResponse.Of(quest));
    }

    /// <param name="id" example="5">The quest's id.</param>
    private static async Task<Results<Ok<QuestResponse>, ProblemHttpResult>> CancelAsync(
        int id, ClaimsPrincipal user, GamificationDbContext database, UnitOfWork work, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        await AwardLock.TakeAsync(database, cancellationToken);
        if (await LockManagedAsync(id, user, database, cancellationToken) is not { } quest)
        {
            return NotFound.ToProblem();
        }

        var now = time.GetUtcNow();
        quest.CancelledAt ??= now;
        await QuestRewards.CancelAsync(database, id, now, cancellationToken);
        return await work.CommitAsync(TypedResults.Ok(QuestResponse.Of(quest)), cancellationToken);
    }

    private static async Task<Quest?> LockAsync(int id, GamificationDbContext database, CancellationToken cancellationToken) =>
        (await database.Quests.FromSql($"SELECT * FROM quests WHERE id = {id} FOR UPDATE").ToListAsync(cancellationToken)).SingleOrDefault();

    private static async Task<Quest?> LockManagedAsync(int id, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken) =>
        await LockAsync(id, database, cancellationToken) is { } quest
        && await database.ManagedBudgets(user).AnyAsync(budget => budget.Id == quest.BudgetId, cancellationToken)
            ? quest
            : null;

    private static async Task<Dictionary<Guid, ParticipationResponse>> ToResponsesAsync(
        List<Participation> rows, GamificationDbContext database, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var (quests, userId, first) = (rows.ConvertAll(row => row.QuestId), rows[0].UserId, rows.Min(row => row.JoinedAt));
        var questOf = await database.Quests.AsNoTracking().Where(quest => quests.Contains(quest.Id)).ToDictionaryAsync(quest => quest.Id, cancellationToken);
        var events = await QuestEvents.ReadAsync(database, [userId], first, cancellationToken);
        return rows.ToDictionary(row => row.Id, row => new ParticipationResponse(
            QuestResponse.Of(questOf[row.QuestId]), row.Status, Math.Min(questOf[row.QuestId].Progress(row, events), questOf[row.QuestId].Count), row.Reward, row.JoinedAt, row.Deadline));
    }

    private static string? EndError(DateTimeOffset endsAt, DateTimeOffset startsAt, Budget? budget) =>
        endsAt <= startsAt ? "Must be after starts_at." : endsAt > budget?.EndsAt ? "Must be within the time of the budget." : null;

    private static bool IsNear(Quest quest, QuestFilter filter) =>
        quest is not { Latitude: { } north, Longitude: { } east, RadiusKm: { } radius } || filter is not { Latitude: { } latitude, Longitude: { } longitude }
        || GreatCircle.DistanceKm(north, east, latitude, longitude) <= radius + (filter.RadiusKm ?? 0);
}
