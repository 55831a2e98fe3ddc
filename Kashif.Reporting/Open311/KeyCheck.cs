using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Kashif.Http;
using Kashif.Reporting.Data;
using Kashif.Reporting.Reports;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;

namespace Kashif.Reporting.Open311;

/// <summary>Request feature: a POST with a valid key.</summary>
/// <param name="Jurisdiction">The only one that the key is for.</param>
internal sealed record Caller(Guid KeyId, string? Jurisdiction, Parameters Parameters, IFormFileCollection Files);

/// <summary>Reads the form of a POST and checks its API key, before its <c>Idempotency-Key</c> is claimed in the name of the API key.</summary>
internal sealed class KeyCheck(ReportingDbContext database, TimeProvider time) : IEndpointFilter
{
    private const string Key = "api_key";
    private const int KeyMax = 200;
    private static readonly TimeSpan LastUsedPrecision = TimeSpan.FromMinutes(1);

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var format = Parameters.FormatOf(http);
        if (!http.Request.HasFormContentType)
        {
            return Fault.Bad("Send the parameters as application/x-www-form-urlencoded or multipart/form-data").ToAnswer(format);
        }

        IFormCollection form;
        try
        {
            form = await http.Request.ReadFormAsync(http.RequestAborted);
        }
        catch (Exception exception) when (exception is InvalidDataException || (exception is IOException && exception is not BadHttpRequestException))
        {
            // An IOException: the body ends before its last boundary.
            return Fault.Bad("The form is malformed or has too many parameters").ToAnswer(format);
        }

        var parameters = new Parameters(format, http.Request.Query, form);
        var sent = parameters.Text(Key) ?? HeaderOf(http.Request);
        if (await FindAsync(sent, http.RequestAborted) is not { } key)
        {
            return (sent is null ? Fault.KeyMissing : Fault.KeyRefused).ToAnswer(format);
        }

        http.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(KashifClaims.Subject, key.Id.ToString())]));
        JsonBody.Compare(http, Fingerprint(form, http.Request.Query));
        http.Features.Set(new Caller(key.Id, key.Jurisdiction, parameters, form.Files));
        return await next(context);
    }

    /// <summary>The quota of a key, which the table of the users' quotas holds.</summary>
    public static Allowance AllowanceOf(Caller caller, Open311Options options) => new(caller.KeyId, options.RequestsPerHour);

    private static string? HeaderOf(HttpRequest request) =>
        request.Headers["X-Api-Key"].FirstOrDefault() is { Length: > 0 } header ? header : request.Headers[Key].FirstOrDefault() is { Length: > 0 } other ? other : null;

    private async Task<ApiKey?> FindAsync(string? text, CancellationToken cancellationToken)
    {
        if (text is not { Length: <= KeyMax })
        {
            return null;
        }

        var (hash, now) = (ApiKey.HashOf(text), time.GetUtcNow());
        var key = await database.Open311Keys.AsNoTracking().SingleOrDefaultAsync(row => row.Hash == hash && row.RevokedAt == null, cancellationToken);
        if (key is not null && (key.LastUsedAt is not { } last || last < now - LastUsedPrecision))
        {
            await database.Open311Keys.Where(row => row.Id == key.Id).ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, now), cancellationToken);
        }

        return key;
    }

    /// <summary>The parameters and files in one order, without the API key.</summary>
    private static byte[] Fingerprint(IFormCollection form, IQueryCollection query)
    {
        var text = new StringBuilder();
        foreach (var (name, values) in form.Concat(query).Where(field => field.Key != Key).OrderBy(field => field.Key, StringComparer.Ordinal))
        {
            text.Append(name).Append('\0').AppendJoin('\0', values.ToArray()).Append("\0\0");
        }

        foreach (var file in form.Files)
        {
            using var content = file.OpenReadStream();
            text.Append(file.Name).Append('\0').Append(Convert.ToHexString(SHA256.HashData(content))).Append("\0\0");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
