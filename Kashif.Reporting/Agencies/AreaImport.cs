using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Http;
using Kashif.Localization;
using Kashif.Messaging;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Lists;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using NetTopologySuite.Geometries;

namespace Kashif.Reporting.Agencies;

/// <summary>How to read a file of areas.</summary>
public sealed class AreaImportQuery
{
    /// <summary>The property with the English name.</summary>
    /// <example>name</example>
    [FromQuery(Name = "name_property"), Text(1, 100), DefaultValue("name")]
    public string? NameProperty { get; set; }

    /// <summary>The property with the Arabic name; without it, areas get the English name.</summary>
    /// <example>name_ar</example>
    [FromQuery(Name = "name_ar_property"), Text(1, 100)]
    public string? NameArProperty { get; set; }

    /// <summary>The agency that is responsible in all areas of the file. Without it, areas that exist keep theirs.</summary>
    [FromQuery(Name = "agency_id")]
    public Guid? AgencyId { get; set; }

    /// <summary>The categories that the agency is responsible for: repeated, or separated by commas. Without it, areas that exist keep theirs.</summary>
    /// <example>["water_leak"]</example>
    [FromQuery(Name = "category")]
    public string[]? Category { get; set; }
}

/// <summary>What an import has changed.</summary>
/// <param name="Created" example="12">How many areas are new.</param>
/// <param name="Updated" example="3">How many areas of the same name were changed.</param>
/// <param name="Unchanged" example="0">How many were there already as they are in the file.</param>
internal sealed record ImportedAreas(int Created, int Updated, int Unchanged);

/// <summary>A feature of an imported file.</summary>
/// <param name="Property">The text of a property; null without it.</param>
/// <param name="Read">Reads the boundary, or the error.</param>
internal sealed record ImportedFeature(Func<string, string?> Property, Func<(MultiPolygon? Boundary, string? Error)> Read);

internal static class AreaImport
{
    public const int MaxFile = 10 * 1024 * 1024;

    private const string Zip = "application/zip";
    private const string GeoJson = "application/geo+json";
    private const int MostErrors = 20;

    /// <summary>A file and what is read from it take memory: one at a time in a process.</summary>
    private static readonly SemaphoreSlim Slot = new(1);

    private static string NotFeatures => Localized.Text("Must be a FeatureCollection of GeoJSON.");

    private static Error Busy { get; } = Error.Unavailable("import_busy", "Another import is running. Try again.");

    private static Error OtherType { get; } = Error.UnsupportedMediaType("Send a FeatureCollection as application/geo+json, or a zipped shapefile as application/zip.");

    public static void MapAreaImport(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost($"{AreaEndpoints.Path}/import", HandleAsync).DisableValidation().WithTags(AgencyEndpoints.Tag).RequireAuthorization(Policies.Admin)
            .WithMetadata(new RequestSizeLimitAttribute(MaxFile))
            .WithName("ImportCityAreas").WithSummary("Import areas from GeoJSON or a shapefile")
            .WithDescription(
                $"Send a `FeatureCollection` as `{GeoJson}`, or a shapefile (`.shp`, `.dbf`, `.prj` and, unless its texts are UTF-8, `.cpg`) zipped as `{Zip}`, of at most 10 MB, in WGS 84. "
                + "An area of the same name is updated, so an import can be repeated. A file with an error changes nothing; `errors` names the features, counted from 0.")
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                operation.RequestBody = Body();
                return Task.CompletedTask;
            })
            .WithProblems(400, "invalid_request").WithProblems(409, "name_taken", "changed_meanwhile").WithProblems(413, "too_large").WithProblems(415, "unsupported_media_type")
            .WithProblems(422, "too_many_areas").WithProblems(503, "import_busy");

    private static async Task<Results<Ok<ImportedAreas>, ValidationProblem, ProblemHttpResult>> HandleAsync(
        [AsParameters] AreaImportQuery query, HttpContext http, ReportingDbContext database, CategoryCache categories, UnitOfWork work, AgencyRouting routing, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var isZip = MediaTypeHeaderValue.TryParse(http.Request.ContentType, out var type)
            && (type.MediaType.Equals(Zip, StringComparison.OrdinalIgnoreCase) || type.MediaType.Equals("application/x-zip-compressed", StringComparison.OrdinalIgnoreCase));
        if (!isZip && !http.Request.HasJsonContentType())
        {
            return OtherType.ToProblem();
        }

        if (!Slot.Wait(0, cancellationToken))
        {
            return Busy.ToProblem();
        }

        try
        {
            var errors = await FieldErrors.FindAsync(http, query);
            var codes = query.Category is null ? null : ReportQuery.Split(errors, "category", query.Category);
            errors.Add("category", await AreaEndpoints.CategoriesErrorAsync(codes, categories, cancellationToken));
            errors.Add("agency_id", await AgencyEndpoints.ErrorAsync(database, query.AgencyId, cancellationToken));
            if (errors.ToProblem() is { } invalid)
            {
                return invalid;
            }

            var (features, fault) = isZip
                ? ShapefileArchive.Read(await ReadAsync(http.Request.Body, cancellationToken))
                : FeaturesOf(http.Features.Get<JsonBody>()?.Bytes ?? default);
            if (features is null)
            {
                return Error.Field("file", fault ?? NotFeatures);
            }

            if (features.Count > AreaEndpoints.MostAreas)
            {
                return AreaEndpoints.TooMany.ToProblem();
            }

            var areas = AreasOf(features, query, errors);
            return errors.ToProblem() is { } wrong ? wrong : await SaveAsync(areas, query.AgencyId, codes, http, database, work, routing, time.GetUtcNow(), cancellationToken);
        }
        finally
        {
            Slot.Release();
        }
    }

    private static async Task<MemoryStream> ReadAsync(Stream body, CancellationToken cancellationToken)
    {
        var file = new MemoryStream();
        await body.CopyToAsync(file, cancellationToken); // the server limits it
        file.Position = 0;
        return file;
    }

    private static (List<ImportedFeature>? Features, string? Error) FeaturesOf(ReadOnlyMemory<byte> json)
    {
        JsonElement root;
        try
        {
            root = JsonElement.Parse(json.Span);
        }
        catch (JsonException exception)
        {
            throw new BadHttpRequestException("Invalid JSON.", exception);
        }

        if (!AreaGeometry.AreTextsReadable(root))
        {
            throw new BadHttpRequestException("Invalid JSON.");
        }

        if (root.ValueKind is not JsonValueKind.Object || !root.TryGetProperty("type", out var type) || type.ValueKind is not JsonValueKind.String || type.GetString() != "FeatureCollection"
            || !root.TryGetProperty("features", out var features) || features.ValueKind is not JsonValueKind.Array)
        {
            return (null, NotFeatures);
        }

        // From GeoJSON before RFC 7946, which many programs still write.
        return root.TryGetProperty("crs", out var crs) && NameOf(crs) is { } name && !Projection.IsWgs84(name)
            ? (null, Projection.Refusal(name))
            : ([.. features.EnumerateArray().Take(AreaEndpoints.MostAreas + 1).Select(feature => new ImportedFeature(property => Text(feature, property), () => AreaGeometry.Read(Member(feature, "geometry"))))], null);

        static string? NameOf(JsonElement crs) => Member(Member(crs, "properties"), "name") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

        static string? Text(JsonElement feature, string property) => Member(Member(feature, "properties"), property) switch
        {
            { ValueKind: JsonValueKind.String } text => text.GetString(),
            { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
            _ => null,
        };
    }

    private static JsonElement Member(JsonElement element, string name) => element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static Dictionary<string, (string NameAr, MultiPolygon Boundary)> AreasOf(List<ImportedFeature> features, AreaImportQuery query, FieldErrors errors)
    {
        var property = query.NameProperty ?? "name";
        var areas = new Dictionary<string, (string NameAr, MultiPolygon Boundary)>();
        var wrong = 0;
        foreach (var (index, feature) in features.Index())
        {
            var name = feature.Property(property)?.Trim().Normalize() ?? "";
            var nameAr = (query.NameArProperty is { } arabic ? feature.Property(arabic)?.Trim().Normalize() : null) is { Length: > 0 } given ? given : name;
            if (!IsName(name) || !IsName(nameAr))
            {
                Add(Localized.Format($"A name is missing, too long or not readable. Its property is {property}; at most {CityArea.NameMax} characters."));
                continue;
            }

            var (boundary, error) = feature.Read();
            if (boundary is null)
            {
                Add($"{name}: {error}");
            }
            else if (!areas.TryAdd(name, (nameAr, boundary)))
            {
                Add(Localized.Format($"Another feature has the name {name} already."));
            }

            void Add(string message)
            {
                if (wrong++ < MostErrors)
                {
                    errors.Add($"features[{index}]", message);
                }
            }
        }

        return areas;

        static bool IsName(string name) => new NameAttribute(CityArea.NameMax).IsValid(name) && !name.Contains('\uFFFD', StringComparison.Ordinal);
    }

    private static async Task<Results<Ok<ImportedAreas>, ValidationProblem, ProblemHttpResult>> SaveAsync(
        Dictionary<string, (string NameAr, MultiPolygon Boundary)> areas, Guid? agency, string[]? categories, HttpContext http, ReportingDbContext database, UnitOfWork work,
        AgencyRouting routing, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var transaction = await work.BeginAsync(cancellationToken);
        await AreaLock.TakeAsync(database, cancellationToken);
        var names = areas.Keys.ToArray();
        var known = await database.Areas.Where(area => names.Contains(area.NameEn)).ToDictionaryAsync(area => area.NameEn, cancellationToken);
        if (await database.Areas.CountAsync(cancellationToken) + areas.Count - known.Count > AreaEndpoints.MostAreas)
        {
            return AreaEndpoints.TooMany.ToProblem();
        }

        var (created, updated) = (0, 0);
        foreach (var (name, (nameAr, boundary)) in areas)
        {
            if (known.TryGetValue(name, out var area))
            {
                area.NameAr = nameAr;
                updated += database.Change(area, boundary, agency ?? area.AgencyId, categories ?? area.Categories, http.User, now) ? 1 : 0;
                continue;
            }

            area = new CityArea
            {
                Id = Guid.CreateVersion7(now),
                NameEn = name,
                NameAr = nameAr,
                AgencyId = agency,
                Categories = categories ?? [],
                Boundary = boundary,
                SquareMetres = AreaGeometry.SquareMetres(boundary),
                CreatedAt = now,
            };
            database.Add(area);
            database.Audit(http.User, "created", area, now);
            created++;
        }

        if (created > 0 && !database.ChangeTracker.Entries<RoutingChange>().Any())
        {
            database.RouteAgain(http.User.UserId, now);
        }

        Ok<ImportedAreas> imported;
        try
        {
            imported = await work.CommitAsync(TypedResults.Ok(new ImportedAreas(created, updated, areas.Count - created - updated)), cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return Versions.Changed.ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            return AreaEndpoints.NameTaken.ToProblem();
        }
        catch (DbUpdateException exception) when (exception.IsForeignKeyViolation())
        {
            return Error.Field("agency_id", AgencyEndpoints.Missing);
        }

        routing.Expire();
        return imported;
    }

    private static OpenApiRequestBody Body() => new()
    {
        Required = true,
        Content = new Dictionary<string, OpenApiMediaType>
        {
            [GeoJson] = new()
            {
                Schema = new OpenApiSchema { Type = JsonSchemaType.Object, Description = "A FeatureCollection of polygons." },
                Example = JsonNode.Parse("""
                    {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "Old town"},
                     "geometry": {"type": "Polygon", "coordinates": [[[36.2, 33.4], [36.4, 33.4], [36.4, 33.6], [36.2, 33.6], [36.2, 33.4]]]}}]}
                    """),
            },
            [Zip] = new()
            {
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary", Description = "A zipped shapefile." },
                Example = "the bytes of the zip file",
            },
        },
    };
}
