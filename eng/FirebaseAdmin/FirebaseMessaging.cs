// Stands in for the package FirebaseAdmin where no version of it is served; the full registry never builds it.
// Left out: multicast, the deprecated batch calls and topic management.

using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Apis.Http;
using Google.Apis.Util;

namespace FirebaseAdmin.Messaging;

public sealed class FirebaseMessaging
{
    private const int MaxRetries = 4;

    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly ConfigurableHttpClient _client;
    private readonly Uri _endpoint;

    internal FirebaseMessaging(FirebaseApp app)
    {
        var projectId = app.ProjectId ?? throw new ArgumentException(
            "Project ID is required to access messaging service. Use a service account credential or set the project ID explicitly via "
            + "AppOptions. Alternatively you can set the project ID via the GOOGLE_CLOUD_PROJECT environment variable.");
        _endpoint = new Uri($"https://fcm.googleapis.com/v1/projects/{projectId}/messages:send");
        _client = app.Options.HttpClientFactory.CreateHttpClient(new CreateHttpClientArgs
        {
            Initializers =
            {
                app.Options.Credential,
                new ExponentialBackOffInitializer(
                    ExponentialBackOffPolicy.Exception | ExponentialBackOffPolicy.UnsuccessfulResponse503,
                    () => new BackOffHandler(new ExponentialBackOff(TimeSpan.FromMilliseconds(250), MaxRetries))),
            },
        });
        _client.MessageHandler.NumTries = MaxRetries + 1;
    }

    /// <summary>That of the default app; null until it is created.</summary>
    public static FirebaseMessaging DefaultInstance => FirebaseApp.DefaultInstance is { } app ? GetMessaging(app) : null;

    public static FirebaseMessaging GetMessaging(FirebaseApp app)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.Messaging.Value;
    }

    public Task<string> SendAsync(Message message) => SendAsync(message, dryRun: false);

    public Task<string> SendAsync(Message message, CancellationToken cancellationToken) => SendAsync(message, dryRun: false, cancellationToken);

    public Task<string> SendAsync(Message message, bool dryRun) => SendAsync(message, dryRun, CancellationToken.None);

    /// <summary>Sends one message and returns FCM's name for it.</summary>
    /// <exception cref="FirebaseMessagingException">FCM refused the message or could not be reached.</exception>
    public async Task<string> SendAsync(Message message, bool dryRun, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.Validate();
        try
        {
            return await PostAsync(message, dryRun, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw new FirebaseMessagingException(
                exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                    ? ErrorCode.Unavailable
                    : ErrorCode.Unknown,
                $"Error while calling FCM: {exception.Message}",
                inner: exception);
        }
    }

    public Task<BatchResponse> SendEachAsync(IEnumerable<Message> messages) => SendEachAsync(messages, dryRun: false);

    public Task<BatchResponse> SendEachAsync(IEnumerable<Message> messages, CancellationToken cancellationToken) =>
        SendEachAsync(messages, dryRun: false, cancellationToken);

    public Task<BatchResponse> SendEachAsync(IEnumerable<Message> messages, bool dryRun) =>
        SendEachAsync(messages, dryRun, CancellationToken.None);

    /// <summary>Sends up to 500 messages at once; each has its own outcome, in the order given.</summary>
    public async Task<BatchResponse> SendEachAsync(IEnumerable<Message> messages, bool dryRun, CancellationToken cancellationToken)
    {
        var all = messages.ToList();
        all.ForEach(message => message.Validate());
        return all.Count is >= 1 and <= 500
            ? new BatchResponse(await Task.WhenAll(all.Select(message => TrySendAsync(message, dryRun, cancellationToken))))
            : throw new ArgumentException("Between 1 and 500 messages are required.", nameof(messages));
    }

    internal void Close() => _client.Dispose();

    private async Task<SendResponse> TrySendAsync(Message message, bool dryRun, CancellationToken cancellationToken)
    {
        try
        {
            return new SendResponse(await SendAsync(message, dryRun, cancellationToken), exception: null);
        }
        catch (FirebaseMessagingException exception)
        {
            return new SendResponse(messageId: null, exception);
        }
        catch (Exception exception)
        {
            return new SendResponse(messageId: null, new FirebaseMessagingException(ErrorCode.Unknown, exception.Message, inner: exception));
        }
    }

    private async Task<string> PostAsync(Message message, bool dryRun, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.Serialize(new { message, validate_only = dryRun }, Json);
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };

        // Kept open in a failure: the exception hands it to the caller.
        var response = await _client.SendAsync(request, cancellationToken);
        var answer = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            return response.IsSuccessStatusCode
                ? JsonSerializer.Deserialize<Answer>(answer, Json).Name
                : throw Failure(response, JsonSerializer.Deserialize<Answer>(answer, Json).Error);
        }
        catch (JsonException exception)
        {
            throw response.IsSuccessStatusCode
                ? new FirebaseMessagingException(ErrorCode.Unknown, "Error parsing response from FCM.", inner: exception, response: response)
                : Failure(response, error: null);
        }
    }

    private static FirebaseMessagingException Failure(HttpResponseMessage response, Error error) => new(
        CodeOf(error?.Status) ?? CodeOf(response.StatusCode),
        error?.Message ?? $"Unexpected HTTP response with status: {(int)response.StatusCode} ({response.StatusCode})",
        error?.Details?.FirstOrDefault(detail => detail.Type == "type.googleapis.com/google.firebase.fcm.v1.FcmError")?.ErrorCode switch
        {
            "APNS_AUTH_ERROR" or "THIRD_PARTY_AUTH_ERROR" => MessagingErrorCode.ThirdPartyAuthError,
            "INTERNAL" => MessagingErrorCode.Internal,
            "INVALID_ARGUMENT" => MessagingErrorCode.InvalidArgument,
            "QUOTA_EXCEEDED" => MessagingErrorCode.QuotaExceeded,
            "SENDER_ID_MISMATCH" => MessagingErrorCode.SenderIdMismatch,
            "UNAVAILABLE" => MessagingErrorCode.Unavailable,
            "UNREGISTERED" => MessagingErrorCode.Unregistered,
            _ => null,
        },
        response: response);

    // INVALID_ARGUMENT is InvalidArgument: the names of google.rpc.Code without their underscores.
    private static ErrorCode? CodeOf(string status) =>
        Enum.TryParse<ErrorCode>(status?.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out var code) ? code : null;

    private static ErrorCode CodeOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => ErrorCode.InvalidArgument,
        HttpStatusCode.Unauthorized => ErrorCode.Unauthenticated,
        HttpStatusCode.Forbidden => ErrorCode.PermissionDenied,
        HttpStatusCode.NotFound => ErrorCode.NotFound,
        HttpStatusCode.Conflict => ErrorCode.Conflict,
        HttpStatusCode.TooManyRequests => ErrorCode.ResourceExhausted,
        HttpStatusCode.InternalServerError => ErrorCode.Internal,
        HttpStatusCode.ServiceUnavailable => ErrorCode.Unavailable,
        _ => ErrorCode.Unknown,
    };

    private sealed record Answer(
        [property: JsonPropertyName("name")] string Name,
        [property: JsonPropertyName("error")] Error Error);

    private sealed record Error(
        [property: JsonPropertyName("status")] string Status,
        [property: JsonPropertyName("message")] string Message,
        [property: JsonPropertyName("details")] IReadOnlyList<Detail> Details);

    private sealed record Detail(
        [property: JsonPropertyName("@type")] string Type,
        [property: JsonPropertyName("errorCode")] string ErrorCode);
}

public sealed class SendResponse
{
    internal SendResponse(string messageId, FirebaseMessagingException exception)
    {
        MessageId = messageId;
        Exception = exception;
    }

    public string MessageId { get; }

    public FirebaseMessagingException Exception { get; }

    public bool IsSuccess => !string.IsNullOrEmpty(MessageId);
}

public sealed class BatchResponse
{
    internal BatchResponse(IReadOnlyList<SendResponse> responses) => Responses = responses;

    public IReadOnlyList<SendResponse> Responses { get; }

    public int SuccessCount => Responses.Count(response => response.IsSuccess);

    public int FailureCount => Responses.Count - SuccessCount;
}
