using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Kashif.Messaging;
using Kashif.Messaging.Erasure;
using Kashif.Reporting.Categories;
using Kashif.Reporting.Data;
using Kashif.Reporting.Photos;
using Kashif.Reporting.Questions;
using Kashif.Reporting.Reports;
using Kashif.Validation;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Open311;

/// <summary>
/// A request with coordinates becomes a report at once. One with only an address has no place on the map yet: its client gets a token, and the
/// report's id with it when staff have placed it (<see cref="Submissions"/>).
/// </summary>
internal static class CreateRequest
{
    private const int TitleLength = 100;
    private const string BusySeconds = "5";
    private static readonly EmailAddressAttribute Email = new();
    private static readonly TextAttribute Description = new(0, Report.DescriptionMax);
    private static readonly TitleAttribute Title = new(Report.TitleMin, TitleLength);

    public static async Task<Answer> HandleAsync(
        HttpContext http,
        ReportingDbContext database,
        ReportWriter writer,
        CategoryCache categories,
        ReportRules rules,
        QuestionCache questions,
        IReportAnswers reportAnswers,
        UnitOfWork work,
        PhotoUploads uploads,
        PhotoSlots slots,
        ReportingMetrics metrics,
        TimeProvider time,
        IOptions<Open311Options> options,
        CancellationToken cancellationToken)
    {
        var caller = http.Features.GetRequiredFeature<Caller>();
        var (parameters, now) = (caller.Parameters, time.GetUtcNow());
        var code = await ServiceAsync(parameters, categories, cancellationToken);
        var place = Place(parameters);
        var submission = Read(caller, code ?? "", now);
        var answers = code is null ? null : await Attributes.ReadAsync(parameters, code, questions, reportAnswers, cancellationToken);
        if (place is null && submission is { Address: null, AddressId: null } && parameters.Faults.Count == 0)
        {
            parameters.Faults.Add(Fault.Bad("location required: lat and long, address_string or address_id"));
        }

        if (parameters.Faults.Count > 0)
        {
            return parameters.Faults.ToAnswer(parameters.Format);
        }

        // An address waits for staff: there is no report yet to which a photo could belong.
        var photos = new List<Photo>();
        if (place is not null && caller.Files.Count > 0)
        {
            if (!slots.TryTake())
            {
                http.Response.Headers.RetryAfter = BusySeconds;
                return new Fault(StatusCodes.Status503ServiceUnavailable, "The server is receiving too many photos at once. Try again.").ToAnswer(parameters.Format);
            }

            try
            {
                photos = await PrepareAsync(caller, uploads, cancellationToken);
            }
            finally
            {
                slots.Return();
            }

            if (parameters.Faults.Count > 0)
            {
                return parameters.Faults.ToAnswer(parameters.Format);
            }
        }

        // Before the transaction: the categories may need a second connection.
        var report = place is var (latitude, longitude)
            ? await ReportOfAsync(submission, latitude, longitude, database, rules, cancellationToken)
            : null;
        submission.ReportId = report?.Id;
        submission.Answers = answers is { Count: > 0 } ? JsonSerializer.SerializeToElement(answers, ReportingJson.Default.IReadOnlyDictionaryStringJsonElement) : null;
        await using var transaction = await work.BeginAsync(cancellationToken);
        var allowance = KeyCheck.AllowanceOf(caller, options.Value);
        var allowed = report is not null
            ? await writer.TryInsertAsync(database, report, allowance, cancellationToken)
            : await ReportWriter.TryUseAsync(database, allowance, now, cancellationToken);
        if (!allowed)
        {
            http.Response.Headers.RetryAfter = await writer.RetryAfterAsync(database, caller.KeyId, now, cancellationToken);
            metrics.OverQuota();
            return new Fault(StatusCodes.Status429TooManyRequests, "The hourly limit of this api_key is reached").ToAnswer(parameters.Format);
        }

        if (report is not null && answers is not null)
        {
            await reportAnswers.AddAsync(database, report, answers, cancellationToken);
        }

        foreach (var photo in photos)
        {
            _ = await uploads.AttachAsync(photo, submission.ReportId.GetValueOrDefault(), cancellationToken); // never too many: see PrepareAsync
        }

        database.Open311Submissions.Add(submission);
        var notice = caller.Files.Count > 0 && place is null ? "The files were not stored, because the request has no coordinates. Send media_url." : null;
        var answer = await work.CommitAsync(
            new Answer(parameters.Format, "service_requests", new Items("request",
            [
                new Fields(
                    submission.ReportId is { } id ? ("service_request_id", id.ToString()) : ("token", submission.Id.ToString()),
                    ("service_notice", notice),
                    ("account_id", null)),
            ])),
            cancellationToken);
        if (submission.ReportId is not null)
        {
            metrics.Created(submission.ServiceCode);
        }

        return answer;
    }

    private static async Task<List<Photo>> PrepareAsync(Caller caller, PhotoUploads uploads, CancellationToken cancellationToken)
    {
        var (photos, faults) = (new List<Photo>(), caller.Parameters.Faults);
        if (caller.Files.Count > PhotoUploads.MaxPerReport)
        {
            faults.Add(Fault.Bad("media: at most 10 files"));
            return photos;
        }

        foreach (var file in caller.Files)
        {
            using var content = new MemoryStream((int)file.Length);
            await file.CopyToAsync(content, cancellationToken);
            var (photo, error) = await uploads.PrepareAsync(ErasedUser.Id, content.GetBuffer().AsMemory(0, (int)content.Length), cancellationToken);
            if (photo is null)
            {
                faults.Add(Fault.Bad($"{file.Name}: {error?.Detail}"));
                return photos;
            }

            photos.Add(photo);
        }

        return photos;
    }

    /// <summary>The report as of when its request was sent. The reporter is no user: the report has the id that belongs to none, so that no points and messages follow.</summary>
    public static async Task<Report> ReportOfAsync(
        Submission submission, double latitude, double longitude, ReportingDbContext database, ReportRules rules, CancellationToken cancellationToken)
    {
        var filed = new NewReport(
            ErasedUser.Id,
            TitleOf(submission.Description)
                ?? (await ServiceList.NamesAsync(database, cancellationToken)).GetValueOrDefault(submission.ServiceCode, submission.ServiceCode),
            submission.Description,
            submission.ServiceCode,
            latitude,
            longitude,
            submission.Address,
            Anonymous: true);
        return Report.Create(filed, await rules.TermsAsync(filed, submission.CreatedAt, cancellationToken), submission.CreatedAt);
    }

    private static async Task<string?> ServiceAsync(Parameters parameters, CategoryCache categories, CancellationToken cancellationToken)
    {
        if (parameters.Text("service_code") is not { } code)
        {
            parameters.Faults.Add(Fault.Missing("service_code"));
            return null;
        }

        if (await categories.ValidateAsync(code, cancellationToken) is null)
        {
            return code;
        }

        parameters.Faults.Add(Fault.NotFound("service_code not found"));
        return null;
    }

    private static (double Latitude, double Longitude)? Place(Parameters parameters)
    {
        var faults = parameters.Faults.Count;
        var (latitude, longitude) = (parameters.Number("lat", -90, 90), parameters.Number("long", -180, 180));
        if (latitude is null != longitude is null && parameters.Faults.Count == faults)
        {
            parameters.Faults.Add(Fault.Missing(latitude is null ? "lat" : "long"));
        }

        return latitude is { } north && longitude is { } east ? (north, east) : null;
    }

    private static Submission Read(Caller caller, string code, DateTimeOffset now)
    {
        var parameters = caller.Parameters;
        var description = parameters.Text("description") ?? "";
        if (!Description.IsValid(description))
        {
            parameters.Faults.Add(Fault.Bad("description: at most 4000 characters"));
        }

        var email = parameters.Text("email", Submission.ContactMax);
        if (email is not null && !Email.IsValid(email))
        {
            parameters.Faults.Add(Fault.Bad("email: must be an e-mail address"));
        }

        return new Submission
        {
            Id = TimeOrderedId.Create(now),
            KeyId = caller.KeyId,
            ServiceCode = code,
            Description = description,
            Address = parameters.Text("address_string", Report.AddressMax),
            AddressId = parameters.Text("address_id", Report.AddressMax),
            MediaUrl = MediaUrl(parameters),
            CreatedAt = now,
            Email = email,
            FirstName = parameters.Text("first_name", Submission.ContactMax),
            LastName = parameters.Text("last_name", Submission.ContactMax),
            Phone = parameters.Text("phone", Submission.ContactMax),
            DeviceId = parameters.Text("device_id", Submission.ContactMax),
            AccountId = parameters.Text("account_id", Submission.ContactMax),
        };
    }

    public static string? MediaUrl(Parameters parameters)
    {
        if (parameters.Text("media_url", Submission.UrlMax) is not { } url)
        {
            return null;
        }

        if (Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
        {
            return uri.AbsoluteUri;
        }

        parameters.Faults.Add(Fault.Bad("media_url: must be an http or https address"));
        return null;
    }

    /// <returns>The first line of the description, if it can be a title.</returns>
    private static string? TitleOf(string description)
    {
        var line = description.Split('\n', 2)[0].Trim();
        return Title.IsValid(line) ? line : null;
    }
}
