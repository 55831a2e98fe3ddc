using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CsvHelper;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Map;

/// <summary>
/// Streams all public reports that match. Reads them in batches, in the order of their ids: memory is bounded, and a slow client holds
/// neither a connection to the database nor a snapshot.
/// </summary>
internal static class Exports
{
    public const string GeoJson = "application/geo+json";
    public const string Csv = "text/csv";

    private const int Batch = 1000;
    private static readonly JsonWriterOptions Compact = new() { SkipValidation = true };

    /// <param name="bbox" example="36.2,33.4,36.4,33.6">Only reports inside `west,south,east,north` in degrees.</param>
    public static async Task<Results<EmptyHttpResult, ValidationProblem>> GeoJsonAsync(
        [FromQuery(Name = "bbox"), Text(1, 200)] string? bbox, [AsParameters] MapQuery query, HttpContext http, ReportingDbContext database, CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        var filter = await query.ParseAsync(bbox, errors, categories, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        Begin(http, GeoJson, "reports.geojson");
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter, Compact);
        json.WriteStartObject();
        json.WriteString("type", "FeatureCollection");
        json.WriteStartArray("features");
        await foreach (var batch in BatchesAsync(database, filter, cancellationToken))
        {
            foreach (var report in batch)
            {
                Write(json, report);
            }

            await json.FlushAsync(cancellationToken);
            await http.Response.BodyWriter.FlushAsync(cancellationToken);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        return TypedResults.Empty;
    }

    /// <param name="bbox" example="36.2,33.4,36.4,33.6">Only reports inside `west,south,east,north` in degrees.</param>
    public static async Task<Results<EmptyHttpResult, ValidationProblem>> CsvAsync(
        [FromQuery(Name = "bbox"), Text(1, 200)] string? bbox, [AsParameters] MapQuery query, HttpContext http, ReportingDbContext database, CategoryCache categories, CancellationToken cancellationToken)
    {
        var errors = await FieldErrors.FindAsync(http, query);
        var filter = await query.ParseAsync(bbox, errors, categories, cancellationToken);
        if (errors.ToProblem() is { } invalid)
        {
            return invalid;
        }

        Begin(http, $"{Csv}; charset=utf-8", "reports.csv");

        // A title can begin with "=": a spreadsheet must not run it as a formula.
        await using var csv = CsvWriter.Create(http.Response.Body, CsvWriterOptions.Default with { NewLine = "\r\n", Injection = CsvInjection.Escape }, leaveOpen: true);
        await csv.WriteRecordAsync(
            ["id", "title", "description", "category", "status", "latitude", "longitude", "address", "votes", "created_at", "updated_at", "due_at", "expected_at"], cancellationToken);
        await foreach (var batch in BatchesAsync(database, filter, cancellationToken))
        {
            foreach (var report in batch)
            {
                csv.WriteField(report.Id);
                csv.WriteField(report.Title);
                csv.WriteField(report.Description);
                csv.WriteField(report.Category);
                csv.WriteField(report.Status.WireName());
                csv.WriteField(report.Latitude); // as a number: "-33.9" is no formula
                csv.WriteField(report.Longitude);
                csv.WriteField(report.Address);
                csv.WriteField(report.Votes);
                csv.WriteField(Instant(report.CreatedAt));
                csv.WriteField(Instant(report.UpdatedAt));
                csv.WriteField(Instant(report.DueAt));
                csv.WriteField(Instant(report.ExpectedAt));
                await csv.EndRecordAsync(cancellationToken);
            }

            await csv.FlushAsync(cancellationToken);
        }

        return TypedResults.Empty;
    }

    private static void Begin(HttpContext http, string contentType, string file)
    {
        http.Response.ContentType = contentType;
        http.Response.Headers.ContentDisposition = $"attachment; filename={file}";
        http.Response.Headers.CacheControl = "no-store";
    }

    private static async IAsyncEnumerable<List<Report>> BatchesAsync(
        ReportingDbContext database, MapFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reports = filter.Apply(database.Reports.AsNoTracking()).OrderBy(report => report.Id);
        for (Guid? last = Guid.Empty; last is { } after;)
        {
            var batch = await reports.Where(report => report.Id > after).Take(Batch).ToListAsync(cancellationToken);
            last = batch.Count == Batch ? batch[^1].Id : null;
            yield return batch;
        }
    }

    private static void Write(Utf8JsonWriter json, Report report)
    {
        json.WriteStartObject();
        json.WriteString("type", "Feature");
        json.WriteString("id", report.Id);
        json.WriteStartObject("geometry");
        json.WriteString("type", "Point");
        json.WriteStartArray("coordinates");
        json.WriteNumberValue(report.Longitude);
        json.WriteNumberValue(report.Latitude);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("title", report.Title);
        json.WriteString("description", report.Description);
        json.WriteString("category", report.Category);
        json.WriteString("status", report.Status.WireName());
        json.WriteString("address", report.Address);
        json.WriteNumber("votes", report.Votes);
        json.WriteString("created_at", Instant(report.CreatedAt));
        json.WriteString("updated_at", Instant(report.UpdatedAt));
        json.WriteString("due_at", Instant(report.DueAt));
        json.WriteString("expected_at", Instant(report.ExpectedAt));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    [return: NotNullIfNotNull(nameof(time))]
    private static string? Instant(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
