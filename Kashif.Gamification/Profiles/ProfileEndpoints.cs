using System.Globalization;
using System.Security.Claims;
using System.Text.Json.Serialization;
using Kashif.Gamification.Achievements;
using Kashif.Gamification.Data;
using Kashif.Gamification.Ledger;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging.Erasure;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Gamification.Profiles;

/// <summary>What others may see of the caller.</summary>
/// <param name="DisplayName" example="Amal H.">The name on the leaderboard, unique; null for none. Not an e-mail address or a phone number. It can be changed once a month.</param>
/// <param name="Public" example="true">Whether everyone may read the profile.</param>
/// <param name="OnLeaderboard" example="true">Whether the leaderboards show the user; missing or null: as before.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record ProfileRequest(
    [property: JsonRequired, Identifier(Profile.NameLength)] string? DisplayName,
    [property: JsonRequired] bool Public,
    bool? OnLeaderboard = null);

/// <summary>The caller's own profile.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name; null without one.</param>
/// <param name="NameStatus" example="pending">`pending`: not reviewed yet. `rejected`: only its owner sees it. Null without a name.</param>
/// <param name="NameReason" example="This is the name of a city office.">Why a moderator rejected the name; otherwise null.</param>
/// <param name="NameShown" example="true">Whether others see the name.</param>
/// <param name="RenamableAt" example="2027-01-01T09:30:00Z">When another name can be chosen; null if that is now.</param>
/// <param name="Public" example="true">Whether everyone may read the profile.</param>
/// <param name="OnLeaderboard" example="true">Whether the leaderboards show the user.</param>
internal sealed record OwnProfile(
    Guid UserId, string? DisplayName, NameStatus? NameStatus, string? NameReason, bool NameShown,
    DateTimeOffset? RenamableAt, bool Public, bool OnLeaderboard);

/// <summary>A user's public profile.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name; null without one.</param>
/// <param name="Points" example="65">The balance.</param>
/// <param name="Level" example="2">The level.</param>
/// <param name="StreakDays" example="3">On how many days in a row, until today or yesterday, the user has filed a report that was not rejected or withdrawn; at most 366.</param>
/// <param name="Achievements">The unlocked achievements, newest first.</param>
internal sealed record PublicProfile(
    Guid UserId, string? DisplayName, long Points, int Level, int StreakDays, IReadOnlyList<UnlockedResponse> Achievements);

/// <summary>A name that no moderator has looked at yet.</summary>
/// <param name="UserId">The user's id.</param>
/// <param name="DisplayName" example="Amal H.">The name.</param>
/// <param name="NamedAt">When the user chose it.</param>
internal sealed record PendingName(Guid UserId, string DisplayName, DateTimeOffset NamedAt);

/// <summary>Approves a name.</summary>
/// <param name="DisplayName" example="Amal H.">The name that the moderator saw: the user may have another one by now.</param>
public sealed record ApproveNameRequest([property: JsonRequired] string DisplayName);

/// <summary>Rejects a name.</summary>
/// <param name="DisplayName" example="Amal H.">The name that the moderator saw: the user may have another one by now.</param>
/// <param name="Reason" example="This is the name of a city office.">Why, for the user.</param>
public sealed record RejectNameRequest([property: JsonRequired] string DisplayName, [property: Text(1, Profile.ReasonLength)] string Reason);

internal static class ProfileEndpoints
{
    public static IEndpointRouteBuilder MapProfiles(this IEndpointRouteBuilder endpoints)
    {
        var profiles = endpoints.MapGroup("/api/v1/gamification/profiles").WithTags("Profiles").RequireAuthorization();
        profiles.MapGet("/me", GetMineAsync).WithName("GetMyProfile").WithSummary("Get my profile");
        profiles.MapPut("/me", PutMineAsync).WithName("PutMyProfile").WithSummary("Update my profile and display name")
            .WithDescription("A name can be changed once a month. Removing it counts as a change; the first name and one that replaces a rejected name do not.")
            .WithProblems(409, "name_taken").WithProblems(422, "renamed_recently");
        profiles.MapGet("/{userId:guid}", GetAsync).AllowAnonymous().WithPublicCache(TimeSpan.FromSeconds(1))
            .WithName("GetProfile").WithSummary("Get a user's public profile")
            .WithDescription("Returns 404 unless the user has made it public.");

        var moderation = profiles.MapGroup("").RequireAuthorization(Policies.Moderator);
        moderation.MapGet("/pending", ListPendingAsync).WithName("ListPendingNames").WithSummary("List display names to review, oldest first");
        moderation.MapPost("/{userId:guid}/name/approve", ApproveAsync).WithName("ApproveName").WithSummary("Approve a display name").WithProblems(409, "name_changed");
        moderation.MapPost("/{userId:guid}/name/reject", RejectAsync).WithName("RejectName").WithSummary("Reject a display name")
            .WithDescription("Only its owner sees it from then on, with the reason, and may choose another one at once.").WithProblems(409, "name_changed");
        return endpoints;
    }

    private static async Task<Ok<OwnProfile>> GetMineAsync(
        ClaimsPrincipal user, GamificationDbContext database, DisplayNames names, TimeProvider time, CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var profile = await database.Profiles.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken) ?? new Profile { UserId = userId };
        return TypedResults.Ok(ToOwn(profile, names, time));
    }

    private static async Task<Results<Ok<OwnProfile>, ValidationProblem, ProblemHttpResult>> PutMineAsync(
        ProfileRequest request, ClaimsPrincipal user, GamificationDbContext database, IEnumerable<ILedgerStep> steps, DisplayNames names, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var userId = user.UserId;
        var name = request.DisplayName?.Trim().Normalize();
        if (name is not null && NameRules.Validate(name) is { } error)
        {
            return Error.Field("display_name", error);
        }

        // Without the lock, which awards wait for: most refusals, and a request that changes nothing.
        var before = await database.Profiles.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken) ?? new Profile { UserId = userId };
        if (TooEarly(before, name, time) is { } early)
        {
            return early.ToProblem();
        }

        if (name == before.DisplayName && request.Public == before.Public && (request.OnLeaderboard ?? before.OnLeaderboard) == before.OnLeaderboard)
        {
            return TypedResults.Ok(ToOwn(before, names, time));
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // Awards create balances, and look here whether they are hidden.
        await AwardLock.TakeAsync(database, cancellationToken);
        var profile = await database.Profiles.FromSql($"SELECT *, xmin FROM profiles WHERE user_id = {userId} FOR UPDATE").SingleOrDefaultAsync(cancellationToken)
            ?? database.Profiles.Add(new Profile { UserId = userId }).Entity;
        if (TooEarly(profile, name, time) is { } recently)
        {
            return recently.ToProblem();
        }

        if (name is not null && name != profile.DisplayName)
        {
            var folded = NameRules.Fold(name);
            if (await database.Profiles.AnyAsync(row => row.FoldedName == folded && row.UserId != userId, cancellationToken))
            {
                return Error.Conflict("name_taken", "Another user has this name or one that looks like it.").ToProblem();
            }
        }

        profile.Rename(name, time.GetUtcNow());
        (profile.Public, profile.OnLeaderboard) = (request.Public, request.OnLeaderboard ?? profile.OnLeaderboard);
        await database.SaveChangesAsync(cancellationToken);
        var hidden = !profile.OnLeaderboard;
        var balances = await database.Balances
            .FromSql($"UPDATE balances SET hidden = {hidden}, version = version + 1 WHERE user_id = {userId} AND hidden <> {hidden} RETURNING *")
            .AsNoTracking().ToListAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        foreach (var step in steps)
        {
            await step.CommittedAsync(balances, CancellationToken.None);
        }

        return TypedResults.Ok(ToOwn(profile, names, time));
    }

    /// <returns>An error for another name within a month; null if the user may have this one.</returns>
    private static Error? TooEarly(Profile profile, string? name, TimeProvider time) =>
        name is not null && name != profile.DisplayName && profile.RenamableAt is { } renamable && renamable > time.GetUtcNow()
            ? Error.Rule("renamed_recently", Localized.Format($"You can choose another name from {renamable.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC."))
            : null;

    /// <param name="userId">The user's id.</param>
    private static async Task<Results<Ok<PublicProfile>, ProblemHttpResult>> GetAsync(
        Guid userId, GamificationDbContext database, DisplayNames names, LevelCache levels, Progress progress, CancellationToken cancellationToken)
    {
        if (await database.Profiles.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId && row.Public, cancellationToken) is not { } profile)
        {
            return Error.NotFound("Profile not found.").ToProblem();
        }

        var balance = await database.Balances.AsNoTracking().SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken) ?? new Balance { UserId = userId };
        var table = await levels.GetAsync(cancellationToken);
        return TypedResults.Ok(new PublicProfile(
            userId, names.IsShown(profile) ? profile.DisplayName : null, balance.Points, table.Of(balance.Kept),
            await progress.StreakAsync(userId, cancellationToken),
            await UnlockedResponse.ListAsync(database, userId, cancellationToken)));
    }

    private static async Task<Results<Ok<Page<PendingName>>, ValidationProblem>> ListPendingAsync(
        [AsParameters] PageRequest page, GamificationDbContext database, CancellationToken cancellationToken)
    {
        var pending = database.Profiles.AsNoTracking().Where(profile => profile.NameStatus == NameStatus.Pending);
        if (page.Cursor is { } cursor)
        {
            if (!Cursor.TryDecode(cursor, out DateTimeOffset at, out Guid id))
            {
                return Error.Field("cursor", Cursor.Invalid);
            }

            pending = pending.Where(profile => profile.NamedAt > at || (profile.NamedAt == at && profile.UserId > id));
        }

        var rows = await pending.OrderBy(profile => profile.NamedAt).ThenBy(profile => profile.UserId).Take(page.Size + 1)
            .Select(profile => new PendingName(profile.UserId, profile.DisplayName ?? "", profile.NamedAt ?? default)).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, last => Cursor.Encode(last.NamedAt, last.UserId)));
    }

    /// <param name="userId">The user's id.</param>
    private static Task<Results<NoContent, ProblemHttpResult>> ApproveAsync(
        Guid userId, ApproveNameRequest request, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken) =>
        ModerateAsync(userId, request.DisplayName, NameStatus.Approved, reason: null, user, database, cancellationToken);

    /// <param name="userId">The user's id.</param>
    private static Task<Results<NoContent, ProblemHttpResult>> RejectAsync(
        Guid userId, RejectNameRequest request, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken) =>
        ModerateAsync(userId, request.DisplayName, NameStatus.Rejected, request.Reason.Trim(), user, database, cancellationToken);

    private static async Task<Results<NoContent, ProblemHttpResult>> ModerateAsync(
        Guid userId, string name, NameStatus status, string? reason, ClaimsPrincipal user, GamificationDbContext database, CancellationToken cancellationToken)
    {
        if (userId == ErasedUser.Id || await database.Profiles.SingleOrDefaultAsync(row => row.UserId == userId, cancellationToken) is not { DisplayName: { } current } profile)
        {
            return Error.NotFound("This user has no name.").ToProblem();
        }

        var changed = Error.Conflict("name_changed", "The user has another name by now.");
        if (current != name)
        {
            return changed.ToProblem();
        }

        profile.Moderate(status, reason, user.UserId);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return changed.ToProblem();
        }

        return TypedResults.NoContent();
    }

    private static OwnProfile ToOwn(Profile profile, DisplayNames names, TimeProvider time) => new(
        profile.UserId, profile.DisplayName, profile.NameStatus, profile.NameReason, names.IsShown(profile),
        profile.RenamableAt > time.GetUtcNow() ? profile.RenamableAt : null, profile.Public, profile.OnLeaderboard);
}
