using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Notifications.Data;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Notifications.Templates;

/// <summary>The text of a code, in a language, for a channel.</summary>
public sealed class TemplateKey
{
    /// <summary>An event's type, or a code of your own, such as `city.street_closed`.</summary>
    /// <example>points.awarded</example>
    [FromRoute(Name = "code"), RegularExpression("[a-z][a-z0-9_]*(\\.[a-z0-9_]+)*", ErrorMessage = "Must be a name such as city.street_closed."), Text(TemplateCodes.MaxLength)]
    public string Code { get; set; } = "";

    /// <summary>The language of the text.</summary>
    /// <example>ar</example>
    [FromRoute(Name = "language"), Values(typeof(Languages))]
    public string Language { get; set; } = "";

    /// <summary>The channel of the text.</summary>
    /// <example>push</example>
    [FromRoute(Name = "channel"), Values(typeof(ChannelNames))]
    public string Channel { get; set; } = "";

    internal bool IsKnown => Language is Languages.English or Languages.Arabic && ChannelNames.All.Contains(Channel);
}

/// <summary>A variable of a template.</summary>
/// <param name="Name" example="street">How templates name it: <c>{{ street }}</c>.</param>
/// <param name="Type">The type of its values.</param>
/// <param name="Required" example="true">Whether each message must have a value.</param>
/// <param name="Sample" example="Baghdad Street">What previews show; of a number, a boolean or a list as JSON.</param>
public sealed record TemplateVariableBody([property: Text(1, 40)] string Name, VariableType Type, bool Required = true, [property: Text(500)] string? Sample = null);

/// <summary>A text in Liquid.</summary>
/// <param name="Title" example="{{ points | plural: zero: '# نقطة', one: 'نقطة واحدة', two: 'نقطتان', few: '# نقاط', many: '# نقطة', other: '# نقطة' }} جديدة">The title: one line. The subject of a mail.</param>
/// <param name="Body" example="رصيدك الآن {{ balance }}.">The text. A blank line separates paragraphs.</param>
/// <param name="Variables" example="null">For a code of your own: its variables, which replace those it has. Required with its first text.</param>
public sealed record PutTemplateRequest(
    [property: Text(1, 500)] string Title, [property: Text(1, Liquid.MaxSource)] string Body, TemplateVariableBody[]? Variables = null);

/// <summary>What to preview.</summary>
/// <param name="Title" example="{{ points }} جديدة">The title; null for the one in use.</param>
/// <param name="Body" example="رصيدك الآن {{ balance }}.">The text; null for the one in use.</param>
/// <param name="Variables" example='{"points": 5}'>Values by name; the others have their samples.</param>
public sealed record PreviewTemplateRequest([property: Text(500)] string? Title = null, [property: Text(Liquid.MaxSource)] string? Body = null, JsonElement? Variables = null);

/// <summary>A text and its version.</summary>
/// <param name="Code" example="points.awarded">The code.</param>
/// <param name="Language">The language.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Title" example="نقاط جديدة">The title in Liquid.</param>
/// <param name="Body" example="رصيدك الآن {{ balance }}.">The text in Liquid.</param>
/// <param name="Version" example="3">0 if it was never changed, incremented at each change; also the `ETag`.</param>
/// <param name="IsDefault" example="false">Whether it is the text that ships with the service.</param>
/// <param name="Variables">The variables that the text may use.</param>
/// <param name="ChangedBy">The administrator who changed it last; null for a text that was never changed.</param>
/// <param name="ChangedAt">When it was changed last; null for a text that was never changed.</param>
internal sealed record TemplateResponse(
    string Code, [property: Values(typeof(Languages))] string Language, [property: Values(typeof(ChannelNames))] string Channel, string Title, string Body, int Version,
    bool IsDefault, IReadOnlyList<TemplateVariableBody> Variables, Guid? ChangedBy, DateTimeOffset? ChangedAt);

/// <summary>A saved version of a text.</summary>
/// <param name="Version" example="3">1, 2, …</param>
/// <param name="Title" example="نقاط جديدة">The title in Liquid; null for a return to the default.</param>
/// <param name="Body" example="رصيدك الآن {{ balance }}.">The text in Liquid; null for a return to the default.</param>
/// <param name="ChangedBy">The administrator; the empty id if they have deleted their account.</param>
/// <param name="ChangedAt">When it was saved.</param>
internal sealed record TemplateVersionResponse(int Version, string? Title, string? Body, Guid ChangedBy, DateTimeOffset ChangedAt);

/// <summary>A text as a user would read it.</summary>
/// <param name="Title" example="5 نقاط جديدة">The title.</param>
/// <param name="Body" example="رصيدك الآن 60.">The text.</param>
/// <param name="Html" example="null">The HTML part of a mail; null for other channels.</param>
internal sealed record PreviewResponse(string Title, string Body, string? Html);

/// <summary>A code.</summary>
/// <param name="Code" example="points.awarded">The code.</param>
/// <param name="IsOwn" example="false">Whether an administrator has added it.</param>
/// <param name="Channels">The channels that it has texts for.</param>
/// <param name="Variables">The variables that its texts may use.</param>
/// <param name="Changed">The texts in use that are not the default.</param>
internal sealed record TemplateCodeResponse(
    string Code, bool IsOwn, [property: Values(typeof(ChannelNames))] IReadOnlyList<string> Channels, IReadOnlyList<TemplateVariableBody> Variables, IReadOnlyList<ChangedTemplate> Changed);

/// <summary>A text that is not the default.</summary>
/// <param name="Language">The language.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Version" example="3">Its version.</param>
/// <param name="ChangedAt">When it was changed last.</param>
internal sealed record ChangedTemplate([property: Values(typeof(Languages))] string Language, [property: Values(typeof(ChannelNames))] string Channel, int Version, DateTimeOffset ChangedAt);

/// <summary>The texts of notifications and mails, for administrators.</summary>
internal static class TemplateEndpoints
{
    private const string Path = "/{code}/{language}/{channel}";

    /// <summary>Texts are few and all in memory.</summary>
    private const int MaxOwn = 200;

    /// <summary>One change at a time, so that <see cref="TemplateVersion.Id"/> grows in the order of commits.</summary>
    private const long Lock = 0x6b617368_746d706c;

    private static readonly Error NotFound = Error.NotFound("Template not found.");
    private static readonly Error Stale = new(
        StatusCodes.Status412PreconditionFailed, "precondition_failed", "The template's version does not match If-Match. Read the template again.");

    private static readonly Error InUse = Error.Conflict("template_in_use", "A message that is not sent yet uses this template. Cancel it first.");

    public static IEndpointRouteBuilder MapTemplates(this IEndpointRouteBuilder endpoints)
    {
        var templates = endpoints.MapGroup($"{NotificationsExtensions.Root}/templates").WithTags("Templates").RequireAuthorization(Policies.Admin);
        var condition = VersionConditions.IfMatch("template");
        templates.MapGet("", List).WithName("ListTemplates").WithSummary("List codes, their variables and their changed texts");
        templates.MapGet(Path, GetAsync).WithName("GetTemplate").WithSummary("Get a text of a notification or mail").WithProblems(404, "not_found");
        // Not with an API key: the texts of mails about accounts are among them.
        templates.MapPut(Path, PutAsync).RequireAuthorization(Policies.Session).WithName("PutTemplate").WithSummary("Change a text, or add a code")
            .WithDescription("Replicas use the text within a few seconds, for existing notifications too. Send a code of your own with `POST /api/v1/notifications`.")
            .WithMetadata(condition).WithProblems(404, "not_found").WithProblems(412, "precondition_failed").WithProblems(422, "template_quota_exceeded");
        templates.MapDelete(Path, DeleteAsync).RequireAuthorization(Policies.Session).WithName("DeleteTemplate").WithSummary("Return to the default text")
            .WithDescription("A code of your own has no default: deleting its last text deletes the code, unless a message that is not sent yet uses it.")
            .WithMetadata(condition).WithProblems(404, "not_found").WithProblems(409, "template_in_use").WithProblems(412, "precondition_failed");
        templates.MapGet($"{Path}/versions", ListVersionsAsync).WithName("ListTemplateVersions").WithSummary("List the versions of a text, newest first").WithProblems(404, "not_found");
        templates.MapPost($"{Path}/preview", PreviewAsync).WithName("PreviewTemplate").WithSummary("Show a text as a user would read it").WithProblems(404, "not_found");
        return endpoints;
    }

    private static Ok<Page<TemplateCodeResponse>> List(TemplateCatalog catalog)
    {
        var current = catalog.Current;
        var changed = current.Stored.ToLookup(text => text.Code, text => new ChangedTemplate(text.Language, text.Channel, text.Version, text.ChangedAt));
        return TypedResults.Ok(new Page<TemplateCodeResponse>(
            [
                .. current.Definitions.Values.OrderBy(definition => definition.Code, StringComparer.Ordinal).Select(definition => new TemplateCodeResponse(
                    definition.Code, definition.IsOwn, definition.Channels, ToBody(definition), [.. changed[definition.Code].OrderBy(text => (text.Language, text.Channel))])),
            ],
            NextCursor: null));
    }

    private static async Task<Results<Ok<TemplateResponse>, ProblemHttpResult>> GetAsync(
        [AsParameters] TemplateKey key, HttpContext http, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var last = await LastAsync(key, database, cancellationToken);
        return await FindAsync(key.Code, database, cancellationToken) is { } definition && ToResponse(key, definition, last) is { } template
            ? Answer(http, template)
            : NotFound.ToProblem();
    }

    private static async Task<Results<Ok<TemplateResponse>, ValidationProblem, ProblemHttpResult>> PutAsync(
        [AsParameters] TemplateKey key, PutTemplateRequest request, HttpContext http, NotificationsDbContext database, TemplateCatalog catalog, TimeProvider time,
        CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
        var known = await FindAsync(key.Code, database, cancellationToken);
        if (!key.IsKnown || known?.Channels.Contains(key.Channel) is false)
        {
            return NotFound.ToProblem();
        }

        var last = await LastAsync(key, database, cancellationToken);
        if (http.IsStale(last?.Version ?? 0))
        {
            return Stale.ToProblem();
        }

        var errors = new FieldErrors();
        errors.Add("variables", request.Variables switch
        {
            null when known is null => "Required for a new code.",
            { } when known is { IsOwn: false } => "The variables of this code cannot be changed.",
            { } variables => TemplateVariables.Error(variables),
            null => null,
        });
        if (errors.ToProblem() is { } undeclared)
        {
            return undeclared;
        }

        var definition = request.Variables is { } declared ? TemplateVariables.ToDefinition(key.Code, declared) : known ?? throw new InvalidOperationException();
        TemplateText.Check(definition, request.Title, request.Body, key.Language, errors.Add);
        foreach (var other in request.Variables is null ? [] : await Others(key, database).ToListAsync(cancellationToken))
        {
            TemplateText.Check(definition, other.Title ?? "", other.Body ?? "", other.Language, (_, error) =>
            {
                var reason = error.TrimEnd('.');
                errors.Add("variables", Localized.Format($"The text in {other.Language} for {other.Channel} does not fit: {reason}."));
            });
        }

        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        if (known is null && await database.OwnTemplates.CountAsync(cancellationToken) >= MaxOwn)
        {
            return Error.Rule("template_quota_exceeded", Localized.Format($"At most {MaxOwn} codes of your own.")).ToProblem();
        }

        if (request.Variables is { } replaced)
        {
            await database.Database.ExecuteSqlAsync(
                $"INSERT INTO own_templates (code, variables) VALUES ({key.Code}, {TemplateVariables.ToJson(replaced)}::jsonb) ON CONFLICT (code) DO UPDATE SET variables = excluded.variables",
                cancellationToken);
        }

        var saved = await SaveAsync(key, last, request.Title.Trim(), request.Body.Trim(), http, database, time, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await catalog.TryRefreshAsync(cancellationToken);
        return Answer(http, ToResponse(key, definition, saved) ?? throw new InvalidOperationException());
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        [AsParameters] TemplateKey key, HttpContext http, NotificationsDbContext database, TemplateCatalog catalog, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
        var last = await LastAsync(key, database, cancellationToken);
        if (await FindAsync(key.Code, database, cancellationToken) is not { } definition || ToResponse(key, definition, last) is not { } template)
        {
            return NotFound.ToProblem();
        }

        if (http.IsStale(last?.Version ?? 0))
        {
            return Stale.ToProblem();
        }

        if (!template.IsDefault)
        {
            await SaveAsync(key, last, title: null, body: null, http, database, time, cancellationToken);
            if (definition.IsOwn && !await Others(key, database).AnyAsync(cancellationToken))
            {
                // First: it waits for a message that is being stored.
                await database.OwnTemplates.Where(own => own.Code == key.Code).ExecuteDeleteAsync(cancellationToken);
                if (await database.Database
                    .SqlQuery<bool>($"""SELECT EXISTS (SELECT FROM send_requests WHERE template_code = {key.Code} AND status IN ('scheduled', 'accepted')) AS "Value" """)
                    .SingleAsync(cancellationToken))
                {
                    return InUse.ToProblem();
                }
            }

            await transaction.CommitAsync(cancellationToken);
            await catalog.TryRefreshAsync(cancellationToken);
        }

        return TypedResults.NoContent();
    }

    private static async Task<Results<Ok<Page<TemplateVersionResponse>>, ValidationProblem, ProblemHttpResult>> ListVersionsAsync(
        [AsParameters] TemplateKey key, [AsParameters] PageRequest page, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var before = int.MaxValue;
        if (page.Cursor is { } cursor && !Cursor.TryDecode(cursor, out before))
        {
            return Error.Field("cursor", Cursor.Invalid);
        }

        if (!key.IsKnown || await FindAsync(key.Code, database, cancellationToken) is null)
        {
            return NotFound.ToProblem();
        }

        var versions = await Versions(key, database).Where(text => text.Version < before)
            .OrderByDescending(text => text.Version).Take(page.Size + 1)
            .Select(text => new TemplateVersionResponse(text.Version, text.Title, text.Body, text.ChangedBy, text.ChangedAt)).ToListAsync(cancellationToken);
        return TypedResults.Ok(Page.Of(versions, page.Size, last => Cursor.Encode(last.Version)));
    }

    private static async Task<Results<Ok<PreviewResponse>, ValidationProblem, ProblemHttpResult>> PreviewAsync(
        [AsParameters] TemplateKey key, PreviewTemplateRequest request, NotificationsDbContext database, CancellationToken cancellationToken)
    {
        var last = await LastAsync(key, database, cancellationToken);
        if (await FindAsync(key.Code, database, cancellationToken) is not { } definition || ToResponse(key, definition, last) is not { } template)
        {
            return NotFound.ToProblem();
        }

        var values = definition.Samples();
        var errors = new FieldErrors();
        if (request.Variables is { ValueKind: not JsonValueKind.Null } given)
        {
            errors.Add("variables", Error(definition, given));
            if (errors.ToProblem() is { } wrong)
            {
                return wrong;
            }

            foreach (var member in given.EnumerateObject())
            {
                values[member.Name] = JsonNode.Parse(member.Value.GetRawText());
            }
        }

        var title = request.Title is { Length: > 0 } typedTitle ? typedTitle : template.Title;
        var body = request.Body is { Length: > 0 } typedBody ? typedBody : template.Body;
        TemplateText.Check(definition, title, body, key.Language, errors.Add, values);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        var text = TemplateText.Render(
            definition, CompiledTemplate.Compile(title, body, definition), key.Language, key.Channel, JsonSerializer.SerializeToElement(values, NotificationsJson.Default.JsonObject));
        return TypedResults.Ok(new PreviewResponse(text.Title, text.Body, text.Html is { } html ? MailLayout.Html(text.Language, text.Title, html) : null));

        static string? Error(TemplateDefinition definition, JsonElement given) => given.ValueKind != JsonValueKind.Object
            ? "Must be an object."
            : given.EnumerateObject().Select(member => member.Name).FirstOrDefault(name => !definition.Names.Contains(name)) is { } unknown
                ? Localized.Format($"Unknown variable '{unknown}'.")
                : definition.Mistyped(given).FirstOrDefault() is { } wrong ? Localized.Format($"The value of '{wrong.Name}' is not of its type.") : null;
    }

    /// <summary>The code's definition in the database: other replicas may have changed it.</summary>
    private static async Task<TemplateDefinition?> FindAsync(string code, NotificationsDbContext database, CancellationToken cancellationToken) =>
        TemplateCodes.All.GetValueOrDefault(code)
        ?? (await database.OwnTemplates.AsNoTracking().SingleOrDefaultAsync(own => own.Code == code, cancellationToken) is { } own ? TemplateVariables.ToDefinition(own) : null);

    private static IQueryable<TemplateVersion> Versions(TemplateKey key, NotificationsDbContext database) => database.TemplateVersions.AsNoTracking()
        .Where(text => text.Code == key.Code && text.Language == key.Language && text.Channel == key.Channel);

    /// <summary>The code's other texts in use.</summary>
    private static IQueryable<TemplateVersion> Others(TemplateKey key, NotificationsDbContext database) => database.TemplateVersions.AsNoTracking().Latest(database)
        .Where(text => text.Code == key.Code && text.Body != null && !(text.Language == key.Language && text.Channel == key.Channel));

    private static Task<TemplateVersion?> LastAsync(TemplateKey key, NotificationsDbContext database, CancellationToken cancellationToken) =>
        Versions(key, database).OrderByDescending(text => text.Version).FirstOrDefaultAsync(cancellationToken);

    private static async Task<TemplateVersion> SaveAsync(
        TemplateKey key, TemplateVersion? last, string? title, string? body, HttpContext http, NotificationsDbContext database, TimeProvider time, CancellationToken cancellationToken)
    {
        var next = new TemplateVersion
        {
            Code = key.Code,
            Language = key.Language,
            Channel = key.Channel,
            Version = (last?.Version ?? 0) + 1,
            Title = title,
            Body = body,
            ChangedBy = http.User.UserId,
            ChangedAt = time.GetUtcNow(),
        };
        database.TemplateVersions.Add(next);
        await database.SaveChangesAsync(cancellationToken);
        return next;
    }

    private static Ok<TemplateResponse> Answer(HttpContext http, TemplateResponse template)
    {
        http.SendVersion(template.Version);
        return TypedResults.Ok(template);
    }

    /// <summary>Null if there is no text.</summary>
    private static TemplateResponse? ToResponse(TemplateKey key, TemplateDefinition definition, TemplateVersion? last)
    {
        if (!key.IsKnown || !definition.Channels.Contains(key.Channel))
        {
            return null;
        }

        var stored = last is { Title: { } title, Body: { } body } ? new TemplateSource(title, body) : null;
        return (stored ?? DefaultTemplates.Source(key.Code, key.Language, key.Channel)) is { } source
            ? new(key.Code, key.Language, key.Channel, source.Title, source.Body, last?.Version ?? 0, stored is null, ToBody(definition), last?.ChangedBy, last?.ChangedAt)
            : null;
    }

    private static IReadOnlyList<TemplateVariableBody> ToBody(TemplateDefinition definition) =>
    [
        .. definition.Variables.Select(variable => new TemplateVariableBody(
            variable.Name, variable.Type, variable.Required,
            variable.Sample.GetValueKind() == JsonValueKind.String ? variable.Sample.GetValue<string>() : variable.Sample.ToJsonString())),
    ];
}
