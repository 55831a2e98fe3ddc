// Built only if NuGet cannot restore the package FirebaseAdmin (FirebaseAdminFrom in Directory.Build.props).
// Has only the members of the package that Kashif uses.

using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Http;
using Google.Apis.Util;

namespace FirebaseAdmin.Messaging;

public sealed class FirebaseMessaging
{
    private const int MaxRetries = 4;

    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    private readonly ConfigurableHttpClient _client;
    private readonly Uri _endpoint;

    internal FirebaseMessaging(HttpClientFactory clients, GoogleCredential credential, string projectId)
    {
        ArgumentException.ThrowIfNullOrEmpty(projectId);
        _endpoint = new Uri($"https://fcm.googleapis.com/v1/projects/{projectId}/messages:send");
        _client = clients.CreateHttpClient(new CreateHttpClientArgs
        {
            Initializers =
            {
                credential,
                new ExponentialBackOffInitializer(
                    ExponentialBackOffPolicy.Exception | ExponentialBackOffPolicy.UnsuccessfulResponse503,
                    () => new BackOffHandler(new ExponentialBackOff(TimeSpan.FromMilliseconds(250), MaxRetries))),
            },
        });
        _client.MessageHandler.NumTries = MaxRetries + 1;
    }

    public static FirebaseMessaging GetMessaging(FirebaseApp app) => app.Messaging.Value;

    /// <summary>Sends up to 500 messages. Each has its own result, in the same order.</summary>
    public async Task<BatchResponse> SendEachAsync(IEnumerable<Message> messages, CancellationToken cancellationToken)
    {
        var all = messages.ToList();
        return all.Count is >= 1 and <= 500
            ? new BatchResponse(await Task.WhenAll(all.Select(message => TrySendAsync(message, cancellationToken))))
            : throw new ArgumentException("Between 1 and 500 messages are required.", nameof(messages));
    }

    internal void Close() => _client.Dispose();

    private async Task<SendResponse> TrySendAsync(Message message, CancellationToken cancellationToken)
    {
        try
        {
            return new SendResponse(await SendAsync(message, cancellationToken), exception: null);
        }
        catch (FirebaseMessagingException exception)
        {
            return new SendResponse(messageId: null, exception);
        }
        catch (Exception exception)
        {
            var code = exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError }
                ? ErrorCode.Unavailable
                : ErrorCode.Unknown;
            return new SendResponse(messageId: null, new FirebaseMessagingException(code, exception.Message, inner: exception));
        }
    }

    private async Task<string> SendAsync(Message message, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.Serialize(new { message }, Json);
        using var request = new HttpRequestMessage(HttpMethod.Post, _endpoint)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var response = await _client.SendAsync(request, cancellationToken);
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
                ? new FirebaseMessagingException(ErrorCode.Unknown, "Error parsing response from FCM.", inner: exception)
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

    // The names of google.rpc.Code without underscores: INVALID_ARGUMENT is InvalidArgument.
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

public sealed class BatchResponse
{
    internal BatchResponse(IReadOnlyList<SendResponse> responses) => Responses = responses;

    public IReadOnlyList<SendResponse> Responses { get; }
}

public sealed class SendResponse
{
    internal SendResponse(string messageId, FirebaseMessagingException exception)
    {
        IsSuccess = !string.IsNullOrEmpty(messageId);
        MessageId = messageId;
        Exception = exception;
    }

    public bool IsSuccess { get; }

    public string MessageId { get; }

    public FirebaseMessagingException Exception { get; }
}
