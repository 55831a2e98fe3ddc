using System.ComponentModel;
using System.Text.Json.Serialization;
using Kashif.Http;
using Kashif.Messaging;
using Kashif.Notifications.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Alerts;

/// <summary>A new alert. Each kind has its own fields; others are refused.</summary>
/// <param name="Kind">What it watches.</param>
/// <param name="Threshold" example="500">The value to cross, for `score` (0 to 100) and `balance`.</param>
/// <param name="Direction">For `score` and `balance`: whether it fires when the value reaches the threshold or when it falls below it. `above` by default.</param>
/// <param name="Category" example="pothole">For `report_near`: the code of a category. Without it, every category.</param>
/// <param name="Latitude" example="33.51">For `report_near`: degrees north of the place.</param>
/// <param name="Longitude" example="36.29">For `report_near`: degrees east of the place.</param>
/// <param name="RadiusKm" example="2.5">For `report_near`: the distance from the place in kilometres.</param>
/// <param name="CouponId" example="12">For `coupon`: the coupon's id.</param>
/// <param name="Muted" example="false">True: it does not fire until it is resumed.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateAlertRequest(
    AlertKind Kind,
    double? Threshold = null,
    AlertDirection? Direction = null,
    [property: Text(1, Alert.MaxCategoryLength)] string? Category = null,
    [property: Between(-90.0, 90.0)] double? Latitude = null,
    [property: Between(-180.0, 180.0)] double? Longitude = null,
    [property: Between(AlertArea.MinRadiusKm, AlertArea.MaxRadiusKm)] double? RadiusKm = null,
    [property: Between(1, int.MaxValue)] int? CouponId = null,
    [property: DefaultValue(false)] bool Muted = false) : IAlertFields;

/// <summary>Fields that are left out do not change.</summary>
/// <param name="Threshold" example="500">The value to cross, for `score` and `balance`.</param>
/// <param name="Direction">For `score` and `balance`.</param>
/// <param name="Category" example="pothole">For `report_near`.</param>
/// <param name="Latitude" example="33.51">For `report_near`: degrees north of the place.</param>
/// <param name="Longitude" example="36.29">For `report_near`: degrees east of the place.</param>
/// <param name="RadiusKm" example="2.5">For `report_near`: the distance from the place in kilometres.</param>
/// <param name="Muted" example="true">True: it does not fire. False: it fires again, for what happens from now on.</param>
public sealed record ChangeAlertRequest(
    double? Threshold = null,
    AlertDirection? Direction = null,
    [property: Text(1, Alert.MaxCategoryLength)] string? Category = null,
    [property: Between(-90.0, 90.0)] double? Latitude = null,
    [property: Between(-180.0, 180.0)] double? Longitude = null,
    [property: Between(AlertArea.MinRadiusKm, AlertArea.MaxRadiusKm)] double? RadiusKm = null,
    bool? Muted = null) : IAlertFields
{
    int? IAlertFields.CouponId => null;
}

/// <summary>A user's own rule for a notification.</summary>
/// <param name="Id">The alert's id.</param>
/// <param name="Kind">What it watches.</param>
/// <param name="Muted" example="false">Whether it is muted.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Threshold" example="500">The value to cross; only for `score` and `balance`.</param>
/// <param name="Direction">In which direction; only for `score` and `balance`.</param>
/// <param name="Category" example="pothole">The category; only for `report_near`, absent for every category.</param>
/// <param name="Latitude" example="33.51">Degrees north; only for `report_near`.</param>
/// <param name="Longitude" example="36.29">Degrees east; only for `report_near`.</param>
/// <param name="RadiusKm" example="2.5">The distance in kilometres; only for `report_near`.</param>
/// <param name="CouponId" example="12">The coupon's id; only for `coupon`.</param>
internal sealed record AlertResponse(
    Guid Id,
    AlertKind Kind,
    bool Muted,
    DateTimeOffset CreatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Threshold,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AlertDirection? Direction,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Category,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Latitude,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Longitude,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? RadiusKm,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? CouponId)
{
    public static AlertResponse Of(Alert alert) => new(
        alert.Id, alert.Kind, alert.Muted, alert.CreatedAt, alert.Threshold, alert.Direction, alert.Category, alert.Latitude, alert.Longitude, alert.RadiusKm,
        alert.CouponId);
}

/// <summary>A user's alerts.</summary>
internal static class AlertEndpoints
{
    private const string Path = NotificationsExtensions.Root + "/alerts";

    private static Error NotFound { get; } = Error.NotFound("Alert not found.");

    private static Error TooMany { get; } = Error.Rule("too_many_alerts", "You have 50 alerts. Delete one first.");

    private static Error UnknownCoupon { get; } = Error.Rule("unknown_coupon", "Coupon not found.");

    private static Error CouponsUnavailable { get; } = Error.Unavailable("coupons_unavailable", "The coupons are temporarily unavailable. Try again.");

    public static IEndpointRouteBuilder MapAlerts(this IEndpointRouteBuilder endpoints)
    {
        var alerts = endpoints.MapGroup(Path).WithTags("Alerts").RequireAuthorization();
        alerts.MapGet("/", ListAsync).WithName("ListAlerts").WithSummary("List my alerts, oldest first");
        alerts.MapPost("/", CreateAsync).WithIdempotency().DisableValidation()
            .WithName("CreateAlert").WithSummary("Create an alert")
            .WithDescription($"Each user can have {Alert.MaxPerUser}. An alert fires for what happens after its creation, at most once for each cause.")
            .WithProblems(422, "too_many_alerts", "unknown_coupon").WithProblems(503, "coupons_unavailable");
        alerts.MapPatch("/{id:guid}", ChangeAsync).DisableValidation()
            .WithName("ChangeAlert").WithSummary("Change, mute or resume an alert")
            .WithDescription("What happens while an alert is muted does not fire it later.");
        alerts.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteAlert").WithSummary("Delete an alert");
        return alerts;
    }

    private static async Task<Results<Ok<Page<AlertResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var after = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out after))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var user = http.User.UserId;
        var rows = await database.Alerts.AsNoTracking().Where(alert => alert.UserId == user && alert.Id > after).OrderBy(alert => alert.Id)
            .Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, AlertResponse.Of, alert => Cursor.Encode(alert.Id)));
    }

    private static async Task<Results<Created<AlertResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateAlertRequest request, HttpContext http, NotificationsDbContext database, CouponReader coupons, UnitOfWork work, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, request);
        AlertFields.Check(errors, request.Kind, request, isNew: true);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        CouponAnswer? answer = request.CouponId is { } couponId ? await coupons.FindAsync(couponId, cancellationToken) : null;
        if (answer is { Coupon: null })
        {
            return (answer.IsAvailable ? UnknownCoupon : CouponsUnavailable).ToProblem();
        }

        var user = http.User.UserId;
        await using var transaction = await work.BeginAsync(cancellationToken);

        // One request of a user at a time, so that the count is exact.
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({user.ToString()}, 1))", cancellationToken);
        if (await database.Alerts.CountAsync(row => row.UserId == user, cancellationToken) >= Alert.MaxPerUser)
        {
            return TooMany.ToProblem();
        }

        if (answer?.Coupon is { } coupon)
        {
            await KnownCoupon.AddAsync(database, [coupon], cancellationToken);
        }

        var now = time.GetUtcNow();
        var alert = new Alert
        {
            Id = TimeOrderedId.Create(now),
            UserId = user,
            Kind = request.Kind,
            Threshold = request.Threshold,
            Direction = request.Threshold is null ? null : request.Direction ?? AlertDirection.Above,
            Category = request.Category?.Trim(),
            Latitude = request.Latitude,
            Longitude = request.Longitude,
            RadiusKm = request.RadiusKm,
            CouponId = request.CouponId,
            Muted = request.Muted,
            CreatedAt = now,
            ActiveSince = now,
        };
        database.Alerts.Add(alert);
        return await work.CommitAsync(TypedResults.Created($"{Path}/{alert.Id}", AlertResponse.Of(alert)), cancellationToken);
    }

    /// <param name="id">The alert's id.</param>
    private static async Task<Results<Ok<AlertResponse>, ValidationProblem, ProblemHttpResult>> ChangeAsync(
        Guid id, ChangeAlertRequest request, HttpContext http, NotificationsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        if (await database.Alerts.SingleOrDefaultAsync(row => row.Id == id && row.UserId == user, cancellationToken) is not { } alert)
        {
            return NotFound.ToProblem();
        }

        var errors = await FieldErrors.FindAsync(http, request);
        AlertFields.Check(errors, alert.Kind, request, isNew: false);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        alert.Threshold = request.Threshold ?? alert.Threshold;
        alert.Direction = request.Direction ?? alert.Direction;
        alert.Category = request.Category?.Trim() ?? alert.Category;
        alert.Latitude = request.Latitude ?? alert.Latitude;
        alert.Longitude = request.Longitude ?? alert.Longitude;
        alert.RadiusKm = request.RadiusKm ?? alert.RadiusKm;
        alert.Muted = request.Muted ?? alert.Muted;
        alert.ActiveSince = time.GetUtcNow();
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return NotFound.ToProblem(); // deleted meanwhile
        }

        return TypedResults.Ok(AlertResponse.Of(alert));
    }

    /// <param name="id">The alert's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var user = http.User.UserId;
        return await database.Alerts.Where(alert => alert.Id == id && alert.UserId == user).ExecuteDeleteAsync(cancellationToken) == 1
            ? TypedResults.NoContent()
            : NotFound.ToProblem();
    }
}
