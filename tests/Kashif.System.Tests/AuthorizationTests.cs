using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kashif.Architecture.Tests;
using Kashif.Security;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using OtpNet;

namespace Kashif.SystemTests;

/// <summary>Calls every route of every service as every kind of caller, and compares with the route's metadata.</summary>
public sealed class AuthorizationTests(KashifSystem system, BuiltServices services)
{
    private const string Anonymous = "anonymous";
    private const string MissingId = "0198f0a0-1111-7000-8000-000000000009";

    /// <summary>The services that call others, with the internal routes that they need.</summary>
    private static readonly Dictionary<string, string[]> ServiceClients = new()
    {
        [ResourceNames.Coupons] =
        [
            "gamification GET /internal/v1/balances/{userId:guid}", "gamification PUT /internal/v1/debits/{redemptionId:guid}",
            "gamification PUT /internal/v1/refunds/{redemptionId:guid}",
        ],
        [ResourceNames.Gateway] =
        [
            "auth POST /internal/v1/api-keys/exchange", "reporting GET /internal/v1/users/{id:guid}/export", "gamification GET /internal/v1/users/{id:guid}/export",
            "coupons GET /internal/v1/users/{id:guid}/export", "notifications GET /internal/v1/users/{id:guid}/export",
        ],
    };

    /// <summary>For services to come: none has the scope yet.</summary>
    private static readonly string[] WithoutClient =
    [
        "notifications POST /internal/v1/notifications/", "notifications DELETE /internal/v1/notifications/scheduled/{id:guid}",
        "notifications GET /internal/v1/notifications/{id:guid}/deliveries",
    ];

    private static readonly string[] Callers = [Anonymous, Roles.Citizen, Roles.Partner, Roles.Staff, Roles.Counter, Roles.Moderator, Roles.Admin];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_route_allows_only_the_callers_of_its_policy()
    {
        var endpoints = Endpoints();
        endpoints.Count.ShouldBeGreaterThan(60);

        var wrong = new ConcurrentBag<string>();
        foreach (var caller in Callers)
        {
            using var client = caller == Anonymous ? system.Anonymous() : (await system.RegisterAsync(caller)).Client;
            await Parallel.ForEachAsync(endpoints.Where(endpoint => !endpoint.EndsSession), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, CheckAsync);

            // Last, because it needs no body: seconds later, the gateway refuses the caller's token.
            await CheckAsync(endpoints.Single(endpoint => endpoint.EndsSession), Cancel);

            async ValueTask CheckAsync(Endpoint endpoint, CancellationToken _)
            {
                var allowed = await IsAllowedAsync(endpoint, caller);

                // The ids do not exist and the body is invalid, so that an allowed call changes nothing.
                using var response = await SendAsync(client, endpoint, MissingIdOf, "[]");
                var refusedAs = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? (HttpStatusCode?)response.StatusCode : null;
                HttpStatusCode? expected = allowed ? null : caller == Anonymous ? HttpStatusCode.Unauthorized : HttpStatusCode.Forbidden;
                if (refusedAs != expected || (int)response.StatusCode >= 500)
                {
                    wrong.Add($"{caller} at {endpoint}: {(int)response.StatusCode} where {(expected is { } status ? $"{(int)status}" : "neither 401 nor 403")} was expected");
                }
            }
        }

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task Other_users_data_cannot_be_read_or_changed()
    {
        var victim = await system.RegisterAsync();
        var belongings = await BelongingsAsync(victim);
        var before = await SnapshotAsync(victim);

        var wrong = new List<string>();
        foreach (var caller in new[] { Roles.Citizen, Roles.Partner })
        {
            using var other = (await system.RegisterAsync(caller)).Client;
            foreach (var endpoint in Endpoints().Where(endpoint => !endpoint.Open && endpoint.IsPersonal))
            {
                // A new collection fails here until BelongingsAsync has an entry for it.
                using var response = await SendAsync(other, endpoint, parameter => belongings[endpoint.CollectionOf(parameter)], endpoint.Body);
                if (response.IsSuccessStatusCode)
                {
                    wrong.Add($"{caller} at {endpoint}: {(int)response.StatusCode}");
                }
            }
        }

        wrong.ShouldBeEmpty();
        (await SnapshotAsync(victim)).ShouldBe(before);

        // The data that the others could not access exists.
        using var own = await victim.Client.GetAsync($"/api/v1/coupons/redemptions/{belongings["redemptions"]}", Cancel);
        own.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_delete_removes_the_callers_own_data_and_no_others()
    {
        // In this order, because the account goes last. A new DELETE fails here until it has an entry.
        (string Pattern, Func<User, Task<Deletion>> CreateAsync)[] deletions =
        [
            ("/api/v1/auth/api-keys/{id:guid}", ApiKeyAsync), ("/api/v1/notifications/devices/{token}", DeviceAsync), ("/api/v1/notifications/{id:guid}", NotificationAsync),
            ("/api/v1/notifications/alerts/{id:guid}", AlertDeletionAsync),
            ("/api/v1/reports/{id:guid}/votes/", VoteAsync), ("/api/v1/reports/{id:guid}/follow", FollowAsync), ("/api/v1/reports/areas/{id:guid}/follow", AreaFollowAsync),
            ("/api/v1/reports/{id:guid}/comments/{comment_id:guid}", CommentDeletionAsync),
            ("/api/v1/reports/{id:guid}/photos/{photo_id:guid}", PhotoDeletionAsync), ("/api/v1/reports/calendars/{id:guid}", CalendarDeletionAsync),
            ("/api/v1/notifications/assistant/messages/", QuestionsAsync), ("/api/v1/notifications/topics/{topic}/subscription", TopicAsync),
            ("/api/v1/reports/{id:guid}", ReportDeletionAsync),
            ("/api/v1/auth/mfa/totp", TotpAsync),
            ("/api/v1/auth/sessions/{id:guid}", SessionAsync), ("/api/v1/auth/me", AccountAsync),
        ];
        var endpoints = new Dictionary<string, Endpoint>();
        foreach (var endpoint in Endpoints().Where(endpoint => HttpMethods.IsDelete(endpoint.Method)))
        {
            // The others delete no data of their caller.
            if (await IsAllowedAsync(endpoint, Roles.Citizen))
            {
                endpoints.Add(endpoint.Pattern, endpoint);
            }
        }

        endpoints.Keys.ShouldBe(deletions.Select(deletion => deletion.Pattern), ignoreOrder: true);

        using var anonymous = system.Anonymous();
        using var other = (await system.RegisterAsync()).Client;
        foreach (var caller in Callers.Except([Anonymous]))
        {
            var owner = await system.RegisterAsync(caller);
            foreach (var (pattern, createAsync) in deletions)
            {
                var deletion = await createAsync(owner);
                var allowed = await IsAllowedAsync(endpoints[pattern], caller);
                var what = $"{caller} at {pattern}";

                (await DeleteAsync(anonymous, deletion)).ShouldBe(HttpStatusCode.Unauthorized, what);
                if (pattern.Contains('{', StringComparison.Ordinal))
                {
                    (await DeleteAsync(other, deletion)).ShouldBe(await IsAllowedAsync(endpoints[pattern], Roles.Citizen) && !deletion.IsPublic ? HttpStatusCode.NotFound : HttpStatusCode.Forbidden, what);
                }

                (await deletion.ExistsAsync()).ShouldBeTrue(what);
                var status = await DeleteAsync(owner.Client, deletion);
                ((int)status is >= 200 and < 300).ShouldBe(allowed, $"{what}: {status}");
                (await deletion.ExistsAsync()).ShouldBe(!allowed, what);
            }
        }
    }

    [Fact]
    public async Task Internal_endpoints_are_not_routed_and_return_403_to_users()
    {
        using var admin = await AdminAsync();
        var endpoints = Endpoints().Where(endpoint => endpoint.IsInternal).ToList();
        endpoints.ShouldNotBeEmpty();
        foreach (var endpoint in endpoints)
        {
            using var through = await admin.SendAsync(new HttpRequestMessage(new HttpMethod(endpoint.Method), endpoint.PathWith(MissingIdOf)), Cancel);
            through.StatusCode.ShouldBe(HttpStatusCode.NotFound, endpoint.ToString());

            using var direct = await SendAsync(admin, endpoint, MissingIdOf, "[]");
            direct.StatusCode.ShouldBe(HttpStatusCode.Forbidden, endpoint.ToString());
        }
    }

    [Fact]
    public async Task Every_service_client_can_call_only_its_internal_routes()
    {
        var endpoints = Endpoints().Where(endpoint => !endpoint.Open).ToList();
        endpoints.Where(endpoint => endpoint.IsInternal).Select(endpoint => endpoint.ToString()).Order()
            .ShouldBe(ServiceClients.Values.SelectMany(routes => routes).Concat(WithoutClient).Order(), "every internal route has exactly one client");

        var wrong = new List<string>();
        foreach (var (name, routes) in ServiceClients)
        {
            using var client = await system.AsServiceAsync(name);
            foreach (var endpoint in endpoints)
            {
                using var response = await SendAsync(client, endpoint, MissingIdOf, "[]");
                if (response.StatusCode is HttpStatusCode.Forbidden == routes.Contains(endpoint.ToString()) || response.StatusCode is HttpStatusCode.Unauthorized)
                {
                    wrong.Add($"{name} at {endpoint}: {(int)response.StatusCode}");
                }
            }
        }

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_service_clients_secret_is_no_other_clients_secret()
    {
        using var anonymous = system.Anonymous();
        foreach (var (client, other) in from client in ServiceClients.Keys from other in ServiceClients.Keys select (client, other))
        {
            using var response = await anonymous.PostAsync("/api/v1/auth/token", await system.CredentialsAsync(client, secretOf: other), Cancel);
            response.StatusCode.ShouldBe(client == other ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, $"{client} with the secret of {other}");
        }
    }

    [Fact]
    public async Task An_API_key_can_call_only_the_routes_of_its_scope()
    {
        var endpoints = Endpoints().Where(endpoint => endpoint.IsApi).ToList();
        var owner = await system.RegisterAsync(Roles.Admin);
        var (wrong, allowedCount) = (new ConcurrentBag<string>(), 0);
        foreach (var scope in Scopes.All)
        {
            using var created = await owner.Client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = scope, scopes = new[] { scope }, password = KashifSystem.Password }, Cancel);
            using var client = system.Anonymous();
            client.DefaultRequestHeaders.Add("X-Api-Key", (await created.JsonAsync(201)).GetProperty("key").GetString());
            await KashifSystem.ExchangedAsync(client);
            await Parallel.ForEachAsync(endpoints, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (endpoint, _) =>
            {
                // The owner may do everything; the key refuses the rest.
                var needed = $"{endpoint.Service}:{(endpoint.Method == "GET" ? "read" : "write")}";
                var refusal = endpoint.Open || (scope == needed && !endpoint.NeedsSession) ? null
                    : endpoint.NeedsSession || !Scopes.All.Contains(needed) ? "403 forbidden"
                    : "403 insufficient_scope";
                Interlocked.Add(ref allowedCount, !endpoint.Open && refusal is null ? 1 : 0);
                using var response = await SendAsync(client, endpoint, MissingIdOf, "[]");
                var refused = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                    ? $"{(int)response.StatusCode} {(await response.JsonAsync((int)response.StatusCode)).GetProperty("code")}"
                    : null;
                if (refused != refusal || (int)response.StatusCode >= 500)
                {
                    wrong.Add($"{scope} at {endpoint}: {refused ?? $"{(int)response.StatusCode}"} instead of {refusal ?? "neither 401 nor 403"}");
                }
            });
        }

        wrong.ShouldBeEmpty();
        allowedCount.ShouldBeGreaterThan(15);
    }

    private async Task<HttpClient> AdminAsync() => (await system.RegisterAsync(Roles.Admin)).Client;

    private List<Endpoint> Endpoints() =>
    [
        .. from service in new[] { ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications }
           from route in services[service].Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
           from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [HttpMethods.Get]
           select new Endpoint(service, method, route),
    ];

    /// <summary>Evaluates the service's own policies for the caller.</summary>
    private async Task<bool> IsAllowedAsync(Endpoint endpoint, string caller)
    {
        if (endpoint.Open)
        {
            return true;
        }

        var provider = services[endpoint.Service].Services;
        var policies = provider.GetRequiredService<IAuthorizationPolicyProvider>();
        var policy = await AuthorizationPolicy.CombineAsync(policies, endpoint.Route.Metadata.GetOrderedMetadata<IAuthorizeData>(), endpoint.Route.Metadata.GetOrderedMetadata<AuthorizationPolicy>())
            ?? await policies.GetDefaultPolicyAsync();
        var identity = caller == Anonymous
            ? new ClaimsIdentity()
            : new ClaimsIdentity(
                [
                    new(KashifClaims.Subject, MissingId), new(KashifClaims.Session, MissingId),
                    .. new[] { Roles.Citizen, caller }.Distinct().Select(role => new Claim(KashifClaims.Role, role)),
                ],
                "test", KashifClaims.Subject, KashifClaims.Role);
        await using var scope = provider.CreateAsyncScope();
        var authorization = scope.ServiceProvider.GetRequiredService<IAuthorizationService>();
        return (await authorization.AuthorizeAsync(new ClaimsPrincipal(identity), endpoint.Route, policy)).Succeeded;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpClient client, Endpoint endpoint, Func<RoutePatternParameterPart, string> parameter, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(endpoint.Method), new Uri(AddressOf(client, endpoint), endpoint.PathWith(parameter)));
        if (!HttpMethods.IsGet(endpoint.Method))
        {
            request.Content = new StringContent(body, Encoding.UTF8, endpoint.HasForm ? "application/x-www-form-urlencoded" : "application/json");
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
    }

    /// <summary>The gateway's address, or the service's for endpoints that the gateway does not route.</summary>
    private Uri AddressOf(HttpClient client, Endpoint endpoint) =>
        endpoint.IsApi ? client.BaseAddress ?? throw new InvalidOperationException("No address.") : system.AddressOf(endpoint.Service);

    /// <summary>Creates an item of the victim for each collection that has a route with an id.</summary>
    private async Task<Dictionary<string, string>> BelongingsAsync(User victim)
    {
        var report = await PrivateReportAsync(victim); // others may vote for a public one
        await victim.WaitForPointsAsync(10);
        var coupon = await system.CreateCouponAsync(stock: 5, pointsCost: 5);
        var redemption = await victim.RedeemAndWaitAsync(coupon);
        var redemptionId = redemption.GetProperty("id").GetString() ?? "";

        var order = await victim.OrderAndWaitAsync(await system.CreateProductAsync(stock: 5, pointsCost: 5));

        var device = $"device-{Guid.CreateVersion7():N}";
        using var registered = await victim.Client.PostAsJsonAsync("/api/v1/notifications/register-device", new { token = device, device_type = "web" }, Cancel);
        registered.EnsureSuccessStatusCode();

        // Welcome, report, award, achievement, coupon: after these, the victim's data does not change by itself.
        await Testing.Eventually.TrueAsync(
            async () => (await victim.Client.GetFromJsonAsync<JsonElement>("/api/v1/notifications", Cancel)).GetProperty("items").GetArrayLength() == 5, "five notifications");
        var notification = await FirstIdAsync(victim.Client, "/api/v1/notifications");

        await system.VerifyAsync(victim.Id);
        using var key = await victim.Client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "Till", scopes = new[] { "reporting:read" }, password = KashifSystem.Password }, Cancel);
        var apiKey = (await key.JsonAsync(201)).GetProperty("id").GetString() ?? "";
        var session = await FirstIdAsync(victim.Client, "/api/v1/auth/sessions");
        return new Dictionary<string, string>
        {
            ["users"] = victim.Id.ToString(),
            ["sessions"] = session,
            ["api-keys"] = apiKey,
            ["reports"] = report,
            ["comments"] = await CommentAsync(victim, report),
            ["photos"] = await PhotoAsync(victim, Guid.Parse(report)),
            ["redemptions"] = redemptionId,
            ["orders"] = order.ToString(),
            ["products"] = MissingId, // no user's: partners and admins manage them
            ["inventory"] = MissingId, // as the products
            ["companies"] = "2000000000",
            ["partners"] = victim.Id.ToString(), // no user's: only admins are allowed
            ["debits"] = redemptionId,
            ["refunds"] = redemptionId,
            ["balances"] = victim.Id.ToString(),
            ["profiles"] = victim.Id.ToString(),
            ["areas"] = MissingId, // no user's: only admins are allowed
            ["achievements"] = MissingId, // no user's: only admins are allowed
            ["notifications"] = notification,
            ["devices"] = device,
            ["alerts"] = await AlertAsync(victim),
            ["categories"] = MissingId, // no user's: only admins are allowed
            ["questions"] = MissingId, // as the categories
            ["templates"] = "points.awarded", // no user's: only admins are allowed
            ["scheduled"] = notification,
            ["topics"] = "all",
            ["dead-letters"] = MissingId, // no user's: only admins are allowed
            ["transactions"] = MissingId, // only admins are allowed
            ["keys"] = MissingId, // no user's: only admins are allowed
            ["requests"] = MissingId, // no user's: only staff are allowed
            ["updates"] = MissingId, // as the requests
            ["webhooks"] = MissingId, // no user's: only admins and managers of agencies are allowed
            ["agencies"] = MissingId, // no user's: only admins are allowed
            ["deliveries"] = MissingId, // as the webhooks
            ["customers"] = MissingId, // no user's: only customer service is allowed
            ["employees"] = MissingId, // no user's: only staff are allowed
            ["crews"] = MissingId, // as the employees
            ["vehicles"] = MissingId, // as the employees
            ["notes"] = MissingId, // as the employees
            ["response-templates"] = MissingId, // as the employees
            ["projects"] = MissingId, // no user's: only staff are allowed
            ["work-orders"] = MissingId, // as the projects
            ["visits"] = MissingId, // staff's, and of reporters by their report: VisitTests
            ["calendars"] = await CalendarAsync(victim),
            ["surveys"] = MissingId, // no user's: only staff are allowed
        };
    }

    private static async Task<HttpStatusCode> DeleteAsync(HttpClient client, Deletion deletion)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, deletion.Path) { Content = deletion.Body is null ? null : JsonContent.Create(deletion.Body) };
        using var response = await client.SendAsync(request, Cancel);
        return response.StatusCode;
    }

    private async Task<Deletion> ApiKeyAsync(User owner)
    {
        await system.VerifyAsync(owner.Id);
        using var created = await owner.Client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "Till", scopes = new[] { "reporting:read" }, password = KashifSystem.Password }, Cancel);
        var id = (await created.JsonAsync(201)).GetProperty("id").GetString();
        return new($"/api/v1/auth/api-keys/{id}", null, () => ListsAsync(owner.Client, "/api/v1/auth/api-keys", id));
    }

    /// <summary>A second session, because the owner goes on with the first one. The newest is listed first.</summary>
    private async Task<Deletion> SessionAsync(User owner)
    {
        var me = await owner.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me", Cancel);
        (await system.SignInAsync(me.GetProperty("email").GetString() ?? "", KashifSystem.Password, owner.Id)).Client.Dispose();
        var id = await FirstIdAsync(owner.Client, "/api/v1/auth/sessions");
        return new($"/api/v1/auth/sessions/{id}", null, () => ListsAsync(owner.Client, "/api/v1/auth/sessions", id));
    }

    private async Task<Deletion> DeviceAsync(User owner)
    {
        var token = $"device-{Guid.CreateVersion7():N}";
        using var registered = await owner.Client.PostAsJsonAsync("/api/v1/notifications/register-device", new { token, device_type = "web" }, Cancel);
        await registered.JsonAsync(201);
        return new($"/api/v1/notifications/devices/{token}", null,
            async () => await system.CountAsync(ResourceNames.NotificationsDb, "SELECT count(*) FROM devices WHERE token = $1", token) == 1);
    }

    private static async Task<string> AlertAsync(User owner)
    {
        using var created = await owner.Client.PostAsJsonAsync("/api/v1/notifications/alerts", new { kind = "balance", threshold = 1_000_000 }, Cancel);
        return (await created.JsonAsync(201)).GetProperty("id").GetString() ?? "";
    }

    private static async Task<Deletion> AlertDeletionAsync(User owner)
    {
        var id = await AlertAsync(owner);
        return new($"/api/v1/notifications/alerts/{id}", null, () => ListsAsync(owner.Client, "/api/v1/notifications/alerts", id));
    }

    private static async Task<string> CalendarAsync(User owner)
    {
        using var created = await owner.Client.PostAsJsonAsync("/api/v1/reports/calendars", new { }, Cancel);
        return (await created.JsonAsync(201)).GetProperty("id").GetString() ?? "";
    }

    private static async Task<Deletion> CalendarDeletionAsync(User owner)
    {
        var id = await CalendarAsync(owner);
        return new($"/api/v1/reports/calendars/{id}", null, () => ListsAsync(owner.Client, "/api/v1/reports/calendars", id));
    }

    private static async Task<string> PhotoAsync(User owner, Guid report)
    {
        using var photo = new ByteArrayContent(Convert.FromBase64String(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="));
        photo.Headers.ContentType = new("image/png");
        using var added = await owner.Client.PostAsync($"/api/v1/reports/{report}/photos", photo, Cancel);
        return (await added.JsonAsync(201)).GetProperty("id").GetString() ?? "";
    }

    private static async Task<Deletion> PhotoDeletionAsync(User owner)
    {
        var report = await owner.ReportAsync();
        var photos = $"/api/v1/reports/{report}/photos";
        var id = await PhotoAsync(owner, report);
        return new($"{photos}/{id}", null, () => ListsAsync(owner.Client, photos, id));
    }

    private static async Task<Deletion> QuestionsAsync(User owner)
    {
        const string Path = "/api/v1/notifications/assistant/messages";
        using var asked = await owner.Client.PostAsJsonAsync(Path, new { text = "hello" }, Cancel);
        var id = (await asked.JsonAsync(200)).GetProperty("id").GetString();
        return new(Path, null, () => ListsAsync(owner.Client, Path, id));
    }

    private async Task<Deletion> TopicAsync(User owner)
    {
        var path = $"/api/v1/notifications/topics/topic-{Guid.CreateVersion7():N}/subscription";
        using var followed = await owner.Client.PostAsync(path, content: null, Cancel);
        followed.EnsureSuccessStatusCode();
        return new(path, null, async () => await system.CountAsync(ResourceNames.NotificationsDb, "SELECT count(*) FROM topic_subscriptions WHERE user_id = $1", owner.Id) == 1);
    }

    private static async Task<string> PrivateReportAsync(User owner)
    {
        using var filed = await owner.Client.PostAsJsonAsync(
            "/api/v1/reports", new { title = "A secret", description = "", category = "pothole", latitude = 1, longitude = 1, @private = true }, Cancel);
        return (await filed.JsonAsync(201)).GetProperty("id").GetString() ?? "";
    }

    private static async Task<string> CommentAsync(User author, string report)
    {
        using var added = await author.Client.PostAsJsonAsync($"/api/v1/reports/{report}/comments", new { text = "Deep" }, Cancel);
        return (await added.JsonAsync(201)).GetProperty("id").GetString() ?? "";
    }

    private async Task<Deletion> VoteAsync(User owner)
    {
        var path = $"/api/v1/reports/{await OthersReportAsync()}/votes";
        using var voted = await owner.Client.PostAsync(path, content: null, Cancel);
        voted.EnsureSuccessStatusCode();
        return new(path, null, async () => await system.CountAsync(ResourceNames.ReportingDb, "SELECT count(*) FROM votes WHERE user_id = $1", owner.Id) == 1);
    }

    private async Task<Deletion> FollowAsync(User owner)
    {
        var path = $"/api/v1/reports/{await OthersReportAsync()}/follow";
        using var followed = await owner.Client.PostAsync(path, content: null, Cancel);
        followed.EnsureSuccessStatusCode();
        return new(path, null, async () => (await owner.Client.GetFromJsonAsync<JsonElement>(path, Cancel)).GetProperty("following").GetBoolean());
    }

    private async Task<Deletion> AreaFollowAsync(User owner)
    {
        // In the open sea: no report of another test is routed there.
        var west = Random.Shared.Next(-170, -150) + (Random.Shared.Next(1000) / 1000.0);
        double[][] ring = [[west, -50], [west + 0.0001, -50], [west + 0.0001, -49.9999], [west, -49.9999], [west, -50]];
        using var admin = await AdminAsync();
        using var created = await admin.PostAsJsonAsync(
            "/api/v1/reports/areas", new { name_en = $"Sea {Guid.CreateVersion7():N}", name_ar = "بحر", geometry = new { type = "Polygon", coordinates = new[] { ring } } }, Cancel);
        var path = $"/api/v1/reports/areas/{(await created.JsonAsync(201)).GetProperty("id").GetString()}/follow";
        using var followed = await owner.Client.PutAsync(path, content: null, Cancel);
        followed.EnsureSuccessStatusCode();
        return new(path, null, async () => (await owner.Client.GetFromJsonAsync<JsonElement>(path, Cancel)).GetProperty("following").GetBoolean());
    }

    private async Task<Deletion> CommentDeletionAsync(User owner)
    {
        var report = await OthersReportAsync();
        var comment = await CommentAsync(owner, report);
        return new($"/api/v1/reports/{report}/comments/{comment}", null, () => ListsAsync(owner.Client, $"/api/v1/reports/{report}/comments", comment));
    }

    private async Task<string> OthersReportAsync() => (await (await system.RegisterAsync()).ReportAsync()).ToString();

    private static async Task<Deletion> NotificationAsync(User owner)
    {
        var id = "";
        await Testing.Eventually.TrueAsync(async () => (id = await FirstIdAsync(owner.Client, "/api/v1/notifications")).Length > 0, "the welcome");
        return new($"/api/v1/notifications/{id}", null, () => ListsAsync(owner.Client, "/api/v1/notifications", id));
    }

    private async Task<Deletion> ReportDeletionAsync(User owner)
    {
        var id = await owner.ReportAsync();
        return new($"/api/v1/reports/{id}", null,
            async () => await system.CountAsync(ResourceNames.ReportingDb, "SELECT count(*) FROM reports WHERE id = $1", id) == 1, IsPublic: true);
    }

    private async Task<Deletion> TotpAsync(User owner)
    {
        await system.VerifyAsync(owner.Id);
        using var begun = await owner.Client.PostAsJsonAsync("/api/v1/auth/mfa/totp", new { password = KashifSystem.Password }, Cancel);
        var secret = Base32Encoding.ToBytes((await begun.JsonAsync(200)).GetProperty("secret").GetString());
        using var confirmed = await owner.Client.PostAsJsonAsync("/api/v1/auth/mfa/totp/confirm", new { code = new Totp(secret).ComputeTotp() }, Cancel);
        var code = (await confirmed.JsonAsync(200)).GetProperty("recovery_codes")[0].GetString();
        return new("/api/v1/auth/mfa/totp", new { password = KashifSystem.Password, code },
            async () => (await owner.Client.GetFromJsonAsync<JsonElement>("/api/v1/auth/me", Cancel)).GetProperty("mfa_enabled").GetBoolean());
    }

    private static Task<Deletion> AccountAsync(User owner) => Task.FromResult(new Deletion(
        "/api/v1/auth/me", new { password = KashifSystem.Password },
        async () =>
        {
            using var me = await owner.Client.GetAsync("/api/v1/auth/me", Cancel);
            return me.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.Unauthorized); // its session has ended
        }));

    private static async Task<bool> ListsAsync(HttpClient client, string list, string? id) =>
        (await client.GetFromJsonAsync<JsonElement>(list, Cancel)).GetProperty("items").EnumerateArray().Any(item => item.GetProperty("id").GetString() == id);

    private static async Task<string> FirstIdAsync(HttpClient client, string list)
    {
        var page = await client.GetFromJsonAsync<JsonElement>(list, Cancel);
        return page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").ToString()).FirstOrDefault() ?? "";
    }

    /// <summary>All data of a user, without the parts that the export itself changes.</summary>
    private static async Task<string> SnapshotAsync(User user)
    {
        var export = JsonNode.Parse(await user.Client.GetStringAsync("/api/v1/auth/me/export", Cancel)).ShouldNotBeNull().AsObject();
        export.Remove("exported_at").ShouldBeTrue();
        export["account"].ShouldNotBeNull().AsObject().Remove("audit_log").ShouldBeTrue();
        return export.ToJsonString();
    }

    private static string MissingIdOf(RoutePatternParameterPart parameter) => IsNumber(parameter) ? "2000000000" : MissingId;

    private static bool IsNumber(RoutePatternParameterPart parameter) => parameter.ParameterPolicies.Any(policy => policy.Content == "int");

    /// <param name="Body">The body of the deletion, if it needs one.</param>
    /// <param name="ExistsAsync">Whether the data is still there.</param>
    /// <param name="IsPublic">Whether others see the data: they get 403, not 404.</param>
    private sealed record Deletion(string Path, object? Body, Func<Task<bool>> ExistsAsync, bool IsPublic = false);

    private sealed record Endpoint(string Service, string Method, RouteEndpoint Route)
    {
        public bool Open => Route.Metadata.GetMetadata<IAllowAnonymous>() is not null;

        public bool NeedsSession => Route.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(required => required.Policy == Policies.Session);

        public bool IsApi => Pattern.StartsWith("/api/", StringComparison.Ordinal);

        public bool IsInternal => Pattern.StartsWith("/internal/", StringComparison.Ordinal);

        public bool HasForm => Route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains("application/x-www-form-urlencoded") == true;

        public bool EndsSession => Pattern == "/api/v1/auth/logout-all";

        /// <summary>Personal data has UUIDs or tokens; public data, such as coupons, has numbers.</summary>
        public bool IsPersonal => Route.RoutePattern.Parameters.Any(parameter => !IsNumber(parameter));

        /// <summary><c>reports</c> in <c>/api/v1/reports/{id}</c>.</summary>
        public string CollectionOf(RoutePatternParameterPart parameter)
        {
            var segments = Route.RoutePattern.PathSegments;
            var place = segments.Select((segment, index) => (segment, index)).Single(one => one.segment.Parts.Contains(parameter)).index;
            return segments.Take(place).SelectMany(segment => segment.Parts.OfType<RoutePatternLiteralPart>()).Last().Content;
        }

        /// <summary>A body that is valid for the owner.</summary>
        public string Body => HttpMethods.IsPatch(Method) ? """{"status":"withdrawn","roles":["citizen"],"disabled":true,"read":true,"title":"Of another"}""" : "{}";

        public string Pattern => $"/{Route.RoutePattern.RawText?.TrimStart('/')}";

        public string PathWith(Func<RoutePatternParameterPart, string> value) => Route.RoutePattern.Parameters.Aggregate(Pattern, (path, parameter) =>
            System.Text.RegularExpressions.Regex.Replace(path, $@"\{{\**{parameter.Name}[^}}]*\}}", _ => Uri.EscapeDataString(value(parameter))));

        public override string ToString() => $"{Service} {Method} {Pattern}";
    }
}
