using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Kashif.Auth.Audit;
using Kashif.Auth.Data;
using Kashif.Auth.Tokens;
using Kashif.Http;
using Kashif.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;

namespace Kashif.Auth.Export;

/// <summary>Everything that Kashif holds about a person, as one JSON document: all of it or nothing.</summary>
internal static partial class ExportEndpoint
{
    private const string Client = "user-export";
    private const string RetryAfterSeconds = "30";
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    public static IServiceCollection AddExport(this IServiceCollection services)
    {
        services.AddTransient<OwnServiceToken>();
        services.AddHttpClient(Client).AddHttpMessageHandler<OwnServiceToken>();
        return services;
    }

    public static void MapExport(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/me/export", ExportAsync)
        .RequireAuthorization(Policies.Session).WithTags("Accounts")
        .Produces(StatusCodes.Status200OK, contentType: "application/json").ProducesProblem(StatusCodes.Status503ServiceUnavailable)
        .WithName("ExportMe").WithSummary("Everything that all services hold about the signed-in person");

    private static async Task<Results<EmptyHttpResult, ProblemHttpResult>> ExportAsync(
        ClaimsPrincipal caller, AuthDbContext database, AuditLog audit, IHttpClientFactory clients, TimeProvider time, ILoggerFactory loggers, HttpContext http,
        CancellationToken cancellationToken)
    {
        var userId = caller.UserId;
        if (await AccountExport.ReadAsync(userId, database, cancellationToken) is not { } account)
        {
            return Error.NotFound("This account is gone.").ToProblem();
        }

        // In a file where it is long: the answer begins when all of it is there.
        await using var document = new FileBufferingWriteStream();
        await WriteAsync(document, $"{{\"exported_at\":\"{time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)}\",\"account\":", cancellationToken);
        await JsonSerializer.SerializeAsync(document, account, AuthJson.Default.AccountExport, cancellationToken);
        foreach (var service in ResourceNames.UserDataServices)
        {
            await WriteAsync(document, $",\"{service}\":", cancellationToken);
            try
            {
                await CopyAsync(clients.CreateClient(Client), service, userId, document, cancellationToken);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                ServiceAway(loggers.CreateLogger(typeof(ExportEndpoint)), service, exception);
                http.Response.Headers.RetryAfter = RetryAfterSeconds;
                return Error.Unavailable("export_unavailable", "A service that holds some of your data is away for the moment; try again.").ToProblem();
            }
        }

        await WriteAsync(document, "}", cancellationToken);
        audit.Record(userId, AuditActions.Exported);
        await database.SaveChangesAsync(cancellationToken);

        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = document.Length;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ContentDisposition = "attachment; filename=\"kashif-export.json\"";
        await document.DrainBufferAsync(http.Response.BodyWriter, cancellationToken);
        return TypedResults.Empty;
    }

    private static async Task CopyAsync(HttpClient client, string service, Guid userId, Stream document, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Longest);
        using var response = await client.GetAsync(
            $"http://{service}/internal/v1/users/{userId}/export", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        response.EnsureSuccessStatusCode();
        await response.Content.CopyToAsync(document, limit.Token);
    }

    private static Task WriteAsync(Stream document, string text, CancellationToken cancellationToken) =>
        document.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken).AsTask();

    [LoggerMessage(EventId = 2401, Level = LogLevel.Warning, Message = "An export failed, because {Service} did not give its part")]
    private static partial void ServiceAway(ILogger logger, string service, Exception exception);
}

/// <summary>Auth calls others as a service, and signs its own token for that.</summary>
internal sealed class OwnServiceToken(AccessTokens tokens) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.ForService(ResourceNames.Auth).AccessToken);
        return base.SendAsync(request, cancellationToken);
    }
}
