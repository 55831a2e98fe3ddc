using System.Security.Claims;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Agencies;
using Kashif.Reporting.AuditTrail;
using Kashif.Reporting.Data;
using Kashif.Reporting.Managers;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Webhooks;

/// <summary>A new webhook.</summary>
/// <param name="Url" example="https://city.example/hooks/kashif">Where the events are sent, with https.</param>
/// <param name="Events" example='["report.created", "report.status_updated", "report.deleted"]'>The events to send.</param>
/// <param name="Secret" example="whsec_EXAMPLEexampleEXAMPLEexampleEXAMPLEexample0">Signs the deliveries; 32 to 200 characters. Null: the server makes one.</param>
/// <param name="AgencyId">The agency whose reports' events are sent. Null: for an admin all reports, for a manager those of the own agency.</param>
/// <remarks>Public, like every request: <c>AddValidation</c> skips internal types.</remarks>
public sealed record CreateWebhookRequest(
    [property: Text(1, Webhook.UrlMax)] string Url,
    [property: Values(typeof(WebhookEvents))] IReadOnlyList<string> Events,
    [property: Text(Webhook.SecretMin, Webhook.SecretMax)] string? Secret = null,
    Guid? AgencyId = null);

/// <summary>A webhook, without its secret.</summary>
/// <param name="Id">The webhook's id.</param>
/// <param name="Url" example="https://city.example/hooks/kashif">Where the events are sent.</param>
/// <param name="Events" example='["report.created", "report.status_updated", "report.deleted"]'>The events to send.</param>
/// <param name="AgencyId">The agency whose reports' events are sent; null for all reports.</param>
/// <param name="CreatedAt">When the webhook was created.</param>
internal sealed record WebhookResponse(
    Guid Id, string Url, [property: Values(typeof(WebhookEvents))] IReadOnlyList<string> Events, Guid? AgencyId, DateTimeOffset CreatedAt);

/// <summary>A new webhook.</summary>
/// <param name="Id">The webhook's id.</param>
/// <param name="Url" example="https://city.example/hooks/kashif">Where the events are sent.</param>
/// <param name="Events" example='["report.created", "report.status_updated", "report.deleted"]'>The events to send.</param>
/// <param name="AgencyId">The agency whose reports' events are sent; null for all reports.</param>
/// <param name="CreatedAt">When the webhook was created.</param>
/// <param name="Secret" example="whsec_EXAMPLEexampleEXAMPLEexampleEXAMPLEexample0">Signs the deliveries. It is shown only here.</param>
internal sealed record CreatedWebhookResponse(
    Guid Id, string Url, [property: Values(typeof(WebhookEvents))] IReadOnlyList<string> Events, Guid? AgencyId, DateTimeOffset CreatedAt, string Secret);

/// <summary>One event for one webhook.</summary>
/// <param name="Id">The delivery's id: the header <c>X-Kashif-Delivery</c>.</param>
/// <param name="EventId">The event's id: <c>id</c> in the body.</param>
/// <param name="Type" example="report.created">The event's type.</param>
/// <param name="ReportId">The event's report.</param>
/// <param name="Status" example="pending">Whether it was delivered. <c>dead</c>: it is not tried again.</param>
/// <param name="Attempts" example="2">How often it was tried.</param>
/// <param name="LastError" example="HTTP 500">Why the last try failed; null if none did.</param>
/// <param name="CreatedAt">When the delivery was created.</param>
/// <param name="NextAttemptAt">When it is tried next; null if it is not.</param>
/// <param name="DeliveredAt" example="null">When it was delivered; null if it was not.</param>
internal sealed record WebhookDeliveryResponse(
    Guid Id, Guid EventId, string Type, Guid ReportId, [property: Values(typeof(DeliveryStatus))] string Status, int Attempts, string? LastError,
    DateTimeOffset CreatedAt, DateTimeOffset? NextAttemptAt, DateTimeOffset? DeliveredAt);

/// <summary>Admins and managers of agencies manage the webhooks.</summary>
internal static class WebhookEndpoints
{
    /// <summary>Limits the deliveries: each event of a report goes to every webhook of its agency.</summary>
    private const int MaxOfAgency = 20;

    private const string Who = "For admins, and for managers: those of the own agency.";

    private static readonly Error Missing = Error.NotFound("Webhook not found.");
    private static readonly Error MissingDelivery = Error.NotFound("Delivery not found.");
    private static readonly Error NotSetUp = Error.Unavailable("webhooks_not_set_up", "Webhooks are not set up. The operator must set Webhooks:SealingSecret.");
    private static readonly Error NotManaged = Error.Forbidden("forbidden", "Only admins and the managers of its agency can do this.");
    private static readonly Error TooMany = Error.Rule("too_many_webhooks", "An agency has at most 20 webhooks. Delete one that is no longer used.");
    private static readonly Error Pending = Error.Conflict("delivery_pending", "This delivery is being tried already.");

    public static IEndpointRouteBuilder MapWebhooks(this IEndpointRouteBuilder endpoints)
    {
        var webhooks = endpoints.MapGroup("/api/v1/reports/webhooks").WithTags("Webhooks").RequireAuthorization(Policies.Staff, WebhookScope.Policy);
        webhooks.MapGet("/", ListAsync).WithName("ListWebhooks").WithSummary("List the webhooks, newest first").WithDescription(Who);

        // No Idempotency-Key: the stored answer would contain the secret.
        webhooks.MapPost("/", CreateAsync).WithName("CreateWebhook").WithSummary("Create a webhook").WithDescription(Who).WithProblems(403, "forbidden")
            .WithProblems(422, "too_many_webhooks").WithProblems(503, "webhooks_not_set_up");
        webhooks.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteWebhook").WithSummary("Delete a webhook and its deliveries").WithDescription(Who).WithProblems(404, "not_found");
        webhooks.MapGet("/{id:guid}/deliveries", ListDeliveriesAsync).WithName("ListWebhookDeliveries").WithSummary("List the deliveries of a webhook, newest first")
            .WithDescription(Who).WithProblems(404, "not_found");
        webhooks.MapPost("/{id:guid}/deliveries/{delivery:guid}/replay", ReplayAsync).WithName("ReplayWebhookDelivery").WithSummary("Send a delivery again")
            .WithDescription(Who).WithProblems(404, "not_found").WithProblems(409, "delivery_pending");
        return endpoints;
    }

    private static async Task<Results<Ok<Page<WebhookResponse>>, ValidationProblem>> ListAsync(
        [AsParameters] PageRequest page, ClaimsPrincipal user, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        var rows = await database.Webhooks.AsNoTracking().ManagedBy(user).Where(row => page.Cursor == null || row.Id < before).OrderByDescending(row => row.Id).Take(page.Size + 1)
            .Select(row => new WebhookResponse(row.Id, row.Url, row.Events, row.AgencyId, row.CreatedAt)).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(rows, page.Size, row => Cursor.Encode(row.Id)));
    }

    private static async Task<Results<Created<CreatedWebhookResponse>, ValidationProblem, ProblemHttpResult>> CreateAsync(
        CreateWebhookRequest request, ClaimsPrincipal user, ReportingDbContext database, WebhookClient client, WebhookSecrets secrets, IOptions<WebhookOptions> options, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (request.Events.Count == 0 || request.Events.Any(name => !WebhookEvents.All.Contains(name)))
        {
            return Error.Field("events", Localized.Format($"Must be one or more of {string.Join(", ", WebhookEvents.All)}."));
        }

        if (!Uri.TryCreate(request.Url.Trim(), UriKind.Absolute, out var url) || url is not { UserInfo: "", Fragment: "", Host.Length: > 0 }
            || !(url.Scheme == Uri.UriSchemeHttps || (options.Value.AllowPrivateNetworks && url.Scheme == Uri.UriSchemeHttp)))
        {
            return Error.Field("url", Localized.Text("Must be a URL with https, without a user name and a fragment."));
        }

        if (await AgencyEndpoints.ErrorAsync(database, request.AgencyId, cancellationToken) is { } noAgency)
        {
            return Error.Field("agency_id", noAgency);
        }

        var agency = request.AgencyId ?? user.ManagedAgencyOrNull;
        if (!user.ManagesWebhooksOf(agency))
        {
            return NotManaged.ToProblem();
        }

        if (await client.IsPrivateAsync(url, cancellationToken))
        {
            return Error.Field("url", Localized.Text("The host has no public address."));
        }

        if (!secrets.HasKey)
        {
            return NotSetUp.ToProblem();
        }

        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (agency is not null)
        {
            // One creation at a time per agency, so that the limit holds.
            await database.Database.ExecuteSqlAsync($"SELECT FROM agencies WHERE id = {agency} FOR NO KEY UPDATE", cancellationToken);
            if (await database.Webhooks.CountAsync(row => row.AgencyId == agency, cancellationToken) >= MaxOfAgency)
            {
                return TooMany.ToProblem();
            }
        }

        var (now, secret) = (time.GetUtcNow(), request.Secret?.Trim() ?? WebhookSecrets.New());
        var id = Guid.CreateVersion7(now);
        var webhook = new Webhook
        {
            Id = id,
            AgencyId = agency,
            Url = url.AbsoluteUri,
            Events = [.. request.Events.Distinct()],
            SealedSecret = secrets.Seal(id, secret),
            CreatedAt = now,
        };
        database.Webhooks.Add(webhook);
        database.AuditValues(user.UserId, "created", Webhook.Kind, id, agency, new() { ["host"] = url.Host }, now);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation()) // another request has just deleted the agency
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }

        return TypedResults.Created($"/api/v1/reports/webhooks/{id}", new CreatedWebhookResponse(id, webhook.Url, webhook.Events, agency, now, secret));
    }

    /// <param name="id">The webhook's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, ClaimsPrincipal user, ReportingDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var found = database.Webhooks.ManagedBy(user).Where(row => row.Id == id);
        if (await found.AsNoTracking().SingleOrDefaultAsync(cancellationToken) is not { } webhook || await found.ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return Missing.ToProblem();
        }

        database.Audit(user.UserId, "deleted", Webhook.Kind, id, webhook.AgencyId, values: null, time.GetUtcNow());
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TypedResults.NoContent();
    }

    /// <param name="id">The webhook's id.</param>
    private static async Task<Results<Ok<Page<WebhookDeliveryResponse>>, ValidationProblem, ProblemHttpResult>> ListDeliveriesAsync(
        Guid id, [AsParameters] PageRequest page, ClaimsPrincipal user, ReportingDbContext database, CancellationToken cancellationToken)
    {
        var before = Guid.Empty;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (!await database.Webhooks.ManagedBy(user).AnyAsync(row => row.Id == id, cancellationToken))
        {
            return Missing.ToProblem();
        }

        var rows = await database.WebhookDeliveries.AsNoTracking().Where(row => row.WebhookId == id && (page.Cursor == null || row.Id < before))
            .OrderByDescending(row => row.Id).Take(page.Size + 1).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(
            rows.ConvertAll(row => new WebhookDeliveryResponse(
                row.Id, row.EventId, row.Type, row.ReportId, row.Status.ToString().ToLowerInvariant(), row.Attempts, row.LastError, row.CreatedAt,
                row.Status is DeliveryStatus.Pending ? row.NextAttemptAt : null, row.DeliveredAt)),
            page.Size,
            row => Cursor.Encode(row.Id)));
    }

    /// <summary>The event is sent as it was.</summary>
    /// <param name="id">The webhook's id.</param>
    /// <param name="delivery">The delivery's id.</param>
    private static async Task<Results<NoContent, ProblemHttpResult>> ReplayAsync(
        Guid id, Guid delivery, ClaimsPrincipal user, ReportingDbContext database, IOptions<WebhookOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var end = now + options.Value.GiveUpAfter;
        var webhooks = database.Webhooks.ManagedBy(user);
        var found = database.WebhookDeliveries.Where(row => row.Id == delivery && row.WebhookId == id && webhooks.Any(webhook => webhook.Id == id));
        return await found.Where(row => row.Status != DeliveryStatus.Pending).ExecuteUpdateAsync(
                set => set.SetProperty(row => row.Status, DeliveryStatus.Pending).SetProperty(row => row.NextAttemptAt, now).SetProperty(row => row.GiveUpAt, end)
                    .SetProperty(row => row.DeliveredAt, (DateTimeOffset?)null),
                cancellationToken) == 1 ? TypedResults.NoContent()
            : (await found.AnyAsync(cancellationToken) ? Pending : MissingDelivery).ToProblem();
    }
}
