using System.Text.Json.Nodes;
using FirebaseAdmin;
using FirebaseAdmin.Messaging;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Kashif.Registry.Tests;

public sealed class FirebaseTests : IAsyncLifetime
{
    private readonly List<(string Authorization, JsonNode Body)> _received = [];
    private readonly WebApplication _fcm = Fake();
    private FirebaseApp? _app;

    public async ValueTask InitializeAsync()
    {
        _fcm.MapPost("/v1/projects/kashif/messages:send", async (HttpRequest request) =>
        {
            var body = (await JsonNode.ParseAsync(request.Body))!;
            _received.Add((request.Headers.Authorization.ToString(), body));
            var token = body["message"]!["token"]!.ToString();
            return token.Split(':') switch
            {
                ["error", var status, var code, var fcmCode] => Results.Text(Error(status, fcmCode), "application/json", statusCode: int.Parse(code)),
                ["late"] when _received.Count == 1 => Results.Text(Error("UNAVAILABLE", "UNAVAILABLE"), statusCode: 503),
                ["nonsense"] => Results.Text("<html>", statusCode: 502),
                _ => Results.Json(new { name = $"projects/kashif/messages/{token}" }),
            };
        });
        await _fcm.StartAsync();
        _app = FirebaseApp.Create(
            new AppOptions
            {
                Credential = GoogleCredential.FromAccessToken("access"),
                ProjectId = "kashif",
                HttpClientFactory = new LocalFactory(new Uri(_fcm.Urls.Single())),
            },
            name: Guid.CreateVersion7().ToString());
    }

    public async ValueTask DisposeAsync()
    {
        _app?.Delete();
        await _fcm.DisposeAsync();
    }

    [Fact]
    public async Task A_message_arrives_as_FCM_documents_it()
    {
        var name = await Messaging.SendAsync(
            new Message
            {
                Token = "device",
                Notification = new Notification { Title = "Points", Body = "+10" },
                Data = new Dictionary<string, string> { ["report_id"] = "1" },
                Android = new AndroidConfig { Priority = Priority.High, TimeToLive = TimeSpan.FromSeconds(90), CollapseKey = "points" },
                Apns = new ApnsConfig { Headers = new Dictionary<string, string> { ["apns-priority"] = "10" }, Aps = new Aps { Sound = "default", Badge = 2 } },
            },
            TestContext.Current.CancellationToken);

        name.ShouldBe("projects/kashif/messages/device");
        var (authorization, body) = _received.ShouldHaveSingleItem();
        authorization.ShouldBe("Bearer access");
        var message = body["message"]!;
        message["notification"]!["title"]!.ToString().ShouldBe("Points");
        message["notification"]!["body"]!.ToString().ShouldBe("+10");
        message["data"]!["report_id"]!.ToString().ShouldBe("1");
        message["android"]!["priority"]!.ToString().ShouldBe("high");
        message["android"]!["ttl"]!.ToString().ShouldBe("90s");
        message["android"]!["collapse_key"]!.ToString().ShouldBe("points");
        message["apns"]!["headers"]!["apns-priority"]!.ToString().ShouldBe("10");
        message["apns"]!["payload"]!["aps"]!["sound"]!.ToString().ShouldBe("default");
        message["apns"]!["payload"]!["aps"]!["badge"]!.GetValue<int>().ShouldBe(2);
        message.AsObject().ContainsKey("topic").ShouldBeFalse();
    }

    [Theory]
    [InlineData("error:NOT_FOUND:404:UNREGISTERED", ErrorCode.NotFound, MessagingErrorCode.Unregistered)]
    [InlineData("error:INVALID_ARGUMENT:400:INVALID_ARGUMENT", ErrorCode.InvalidArgument, MessagingErrorCode.InvalidArgument)]
    [InlineData("error:RESOURCE_EXHAUSTED:429:QUOTA_EXCEEDED", ErrorCode.ResourceExhausted, MessagingErrorCode.QuotaExceeded)]
    [InlineData("error:PERMISSION_DENIED:403:SENDER_ID_MISMATCH", ErrorCode.PermissionDenied, MessagingErrorCode.SenderIdMismatch)]
    [InlineData("error:UNAUTHENTICATED:400:THIRD_PARTY_AUTH_ERROR", ErrorCode.Unauthenticated, MessagingErrorCode.ThirdPartyAuthError)]
    [InlineData("error:INTERNAL:500:INTERNAL", ErrorCode.Internal, MessagingErrorCode.Internal)]
    [InlineData("nonsense", ErrorCode.Unknown, null)]
    public async Task A_refusal_says_why(string token, ErrorCode code, MessagingErrorCode? messagingCode)
    {
        var refused = await Should.ThrowAsync<FirebaseMessagingException>(() =>
            Messaging.SendAsync(new Message { Token = token }, TestContext.Current.CancellationToken));

        refused.ErrorCode.ShouldBe(code);
        refused.MessagingErrorCode.ShouldBe(messagingCode);
        refused.HttpResponse.ShouldNotBeNull();
    }

    [Fact]
    public async Task What_is_unavailable_is_tried_again()
    {
        var name = await Messaging.SendAsync(new Message { Token = "late" }, TestContext.Current.CancellationToken);

        name.ShouldBe("projects/kashif/messages/late");
        _received.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Each_of_many_messages_has_its_own_outcome()
    {
        var batch = await Messaging.SendEachAsync(
            [new Message { Token = "a" }, new Message { Token = "error:NOT_FOUND:404:UNREGISTERED" }, new Message { Token = "c" }],
            TestContext.Current.CancellationToken);

        batch.SuccessCount.ShouldBe(2);
        batch.FailureCount.ShouldBe(1);
        batch.Responses.Select(response => response.IsSuccess).ShouldBe([true, false, true]);
        batch.Responses[1].Exception.MessagingErrorCode.ShouldBe(MessagingErrorCode.Unregistered);
        batch.Responses[2].MessageId.ShouldBe("projects/kashif/messages/c");
    }

    [Fact]
    public async Task A_message_without_a_target_is_not_sent()
    {
        await Should.ThrowAsync<ArgumentException>(() => Messaging.SendAsync(new Message(), TestContext.Current.CancellationToken));
        _received.ShouldBeEmpty();
    }

    [Fact]
    public void There_is_no_default_before_it_is_created() => FirebaseMessaging.DefaultInstance.ShouldBeNull();

    private FirebaseMessaging Messaging => FirebaseMessaging.GetMessaging(_app!);

    private static string Error(string status, string fcmCode) => $$"""
        {
          "error": {
            "code": 1,
            "message": "no",
            "status": "{{status}}",
            "details": [
              { "@type": "type.googleapis.com/google.rpc.BadRequest" },
              { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "{{fcmCode}}" }
            ]
          }
        }
        """;

    private static WebApplication Fake()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        return builder.Build();
    }

    /// <summary>Leads what is meant for FCM to the fake.</summary>
    private sealed class LocalFactory(Uri fake) : HttpClientFactory
    {
        protected override HttpMessageHandler CreateHandler(CreateHttpClientArgs args) => new Redirect(fake) { InnerHandler = new SocketsHttpHandler() };

        private sealed class Redirect(Uri fake) : DelegatingHandler
        {
            protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                request.RequestUri!.Host.ShouldBeOneOf("fcm.googleapis.com", fake.Host);
                request.RequestUri = new Uri(fake, request.RequestUri.PathAndQuery);
                return base.SendAsync(request, cancellationToken);
            }
        }
    }
}
