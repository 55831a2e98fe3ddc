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

namespace Kashif.SystemTests;

/// <summary>Every route of every service, called by everybody: what its metadata promises is what happens.</summary>
public sealed class AuthorizationTests(KashifSystem system, BuiltServices services)
{
    private const string Anonymous = "anonymous";
    private const string Nobodys = "0198f0a0-1111-7000-8000-000000000009";
    private static readonly string[] Callers = [Anonymous, Roles.Citizen, Roles.Partner, Roles.Staff, Roles.Moderator, Roles.Admin];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_route_lets_in_whom_its_metadata_names_and_nobody_else()
    {
        var endpoints = Endpoints();
        endpoints.Count.ShouldBeGreaterThan(60);

        var wrong = new ConcurrentBag<string>();
        foreach (var caller in Callers)
        {
            using var client = caller == Anonymous ? system.Anonymous() : (await system.RegisterAsync(caller)).Client;
            await Parallel.ForEachAsync(endpoints, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (endpoint, _) =>
            {
                var allowed = await IsAllowedAsync(endpoint, caller);

                // Nothing of this exists and the body is wrong: whoever is let in changes nothing.
                using var response = await SendAsync(client, endpoint, NobodysOf, "[]");
                var refusedAs = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden ? (HttpStatusCode?)response.StatusCode : null;
                HttpStatusCode? expected = allowed ? null : caller == Anonymous ? HttpStatusCode.Unauthorized : HttpStatusCode.Forbidden;
                if (refusedAs != expected || (int)response.StatusCode >= 500)
                {
                    wrong.Add($"{caller} at {endpoint}: {(int)response.StatusCode} where {(expected is { } status ? $"{(int)status}" : "neither 401 nor 403")} was expected");
                }
            });
        }

        wrong.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_somebody_elses_is_not_there_for_another()
    {
        var victim = await system.RegisterAsync();
        var belongings = await BelongingsAsync(victim);
        var before = await SnapshotAsync(victim);

        var wrong = new List<string>();
        foreach (var caller in new[] { Roles.Citizen, Roles.Partner })
        {
            using var other = (await system.RegisterAsync(caller)).Client;
            foreach (var endpoint in Endpoints().Where(endpoint => !endpoint.Open && endpoint.IsAboutSomebody))
            {
                // A collection that nothing of the victim's is known of fails here: it must be named in Belongings.
                using var response = await SendAsync(other, endpoint, parameter => belongings[endpoint.CollectionOf(parameter)], endpoint.Body);
                if (response.IsSuccessStatusCode && !IsSameForNobodys(endpoint))
                {
                    wrong.Add($"{caller} at {endpoint}: {(int)response.StatusCode}");
                }
            }
        }

        wrong.ShouldBeEmpty();
        (await SnapshotAsync(victim)).ShouldBe(before);

        // What the others were refused is really there.
        using var own = await victim.Client.GetAsync($"/api/v1/coupons/redemptions/{belongings["redemptions"]}", Cancel);
        own.StatusCode.ShouldBe(HttpStatusCode.OK);

        // Idempotent deletes answer alike whether there was something or not.
        static bool IsSameForNobodys(Endpoint endpoint) => endpoint.Method == HttpMethods.Delete;
    }

    [Fact]
    public async Task What_is_internal_is_not_routed_and_closed_to_people()
    {
        using var admin = await AdminAsync();
        var endpoints = Endpoints().Where(endpoint => endpoint.IsInternal).ToList();
        endpoints.ShouldNotBeEmpty();
        foreach (var endpoint in endpoints)
        {
            using var through = await admin.SendAsync(new HttpRequestMessage(new HttpMethod(endpoint.Method), endpoint.PathWith(NobodysOf)), Cancel);
            through.StatusCode.ShouldBe(HttpStatusCode.NotFound, endpoint.ToString());

            using var direct = await SendAsync(admin, endpoint, NobodysOf, "[]");
            direct.StatusCode.ShouldBe(HttpStatusCode.Forbidden, endpoint.ToString());
        }
    }

    private async Task<HttpClient> AdminAsync() => (await system.RegisterAsync(Roles.Admin)).Client;

    private List<Endpoint> Endpoints() =>
    [
        .. from service in new[] { ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications }
           from route in services[service].Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
           from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [HttpMethods.Get]
           select new Endpoint(service, method, route),
    ];

    /// <summary>What the service's own policies say of such a caller.</summary>
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
                    new(KashifClaims.Subject, Nobodys), new(KashifClaims.Session, Nobodys),
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

    /// <summary>The gateway's, or the service's own for what the gateway does not route.</summary>
    private Uri AddressOf(HttpClient client, Endpoint endpoint) =>
        endpoint.IsApi ? client.BaseAddress ?? throw new InvalidOperationException("No address.") : system.AddressOf(endpoint.Service);

    /// <summary>Something of the victim's for every collection that a route takes one of.</summary>
    private async Task<Dictionary<string, string>> BelongingsAsync(User victim)
    {
        var report = await victim.ReportAsync();
        await victim.PointsReachAsync(10);
        var coupon = await system.CreateCouponAsync(stock: 5, pointsCost: 5);
        var redemption = await victim.RedeemToTheEndAsync(coupon);
        var redemptionId = redemption.GetProperty("id").GetString() ?? "";

        var device = $"device-{Guid.CreateVersion7():N}";
        using var registered = await victim.Client.PostAsJsonAsync("/api/v1/notifications/register-device", new { token = device, device_type = "web" }, Cancel);
        registered.EnsureSuccessStatusCode();

        // Welcome, report, award, coupon: after these nothing of the victim's changes by itself.
        await Testing.Eventually.TrueAsync(
            async () => (await victim.Client.GetFromJsonAsync<JsonElement>("/api/v1/notifications", Cancel)).GetProperty("items").GetArrayLength() == 4, "four notifications");
        var notification = await FirstIdAsync(victim.Client, "/api/v1/notifications");

        using var key = await victim.Client.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "Till", scopes = new[] { "reporting:read" } }, Cancel);
        var apiKey = (await key.JsonAsync(201)).GetProperty("id").GetString() ?? "";
        var session = await FirstIdAsync(victim.Client, "/api/v1/auth/sessions");
        return new Dictionary<string, string>
        {
            ["users"] = victim.Id.ToString(),
            ["sessions"] = session,
            ["api-keys"] = apiKey,
            ["reports"] = report.ToString(),
            ["redemptions"] = redemptionId,
            ["debits"] = redemptionId,
            ["notifications"] = notification,
            ["devices"] = device,
        };
    }

    private static async Task<string> FirstIdAsync(HttpClient client, string list)
    {
        var page = await client.GetFromJsonAsync<JsonElement>(list, Cancel);
        return page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").ToString()).FirstOrDefault() ?? "";
    }

    /// <summary>Everything that any service holds about somebody, less what asking for it changes.</summary>
    private static async Task<string> SnapshotAsync(User user)
    {
        var export = JsonNode.Parse(await user.Client.GetStringAsync("/api/v1/auth/me/export", Cancel)).ShouldNotBeNull().AsObject();
        export.Remove("exported_at").ShouldBeTrue();
        export["account"].ShouldNotBeNull().AsObject().Remove("audit_log").ShouldBeTrue();
        return export.ToJsonString();
    }

    private static string NobodysOf(RoutePatternParameterPart parameter) => IsNumber(parameter) ? "2000000000" : Nobodys;

    private static bool IsNumber(RoutePatternParameterPart parameter) => parameter.ParameterPolicies.Any(policy => policy.Content == "int");

    private sealed record Endpoint(string Service, string Method, RouteEndpoint Route)
    {
        public bool Open => Route.Metadata.GetMetadata<IAllowAnonymous>() is not null;

        public bool IsApi => Pattern.StartsWith("/api/", StringComparison.Ordinal);

        public bool IsInternal => Pattern.StartsWith("/internal/", StringComparison.Ordinal);

        public bool HasForm => Route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains("application/x-www-form-urlencoded") == true;

        /// <summary>What is a person's has a UUID or a token; what is everybody's, such as a coupon on sale, a number.</summary>
        public bool IsAboutSomebody => Route.RoutePattern.Parameters.Any(parameter => !IsNumber(parameter));

        /// <summary><c>reports</c> in <c>/api/v1/reports/{id}</c>.</summary>
        public string CollectionOf(RoutePatternParameterPart parameter)
        {
            var segments = Route.RoutePattern.PathSegments;
            var place = segments.Select((segment, index) => (segment, index)).Single(one => one.segment.Parts.Contains(parameter)).index;
            return segments[place - 1].Parts.OfType<RoutePatternLiteralPart>().Single().Content;
        }

        /// <summary>Would be taken from the owner, wherever something is to be changed.</summary>
        public string Body => HttpMethods.IsPatch(Method) ? """{"status":"withdrawn","roles":["citizen"],"disabled":true,"read":true}""" : "{}";

        private string Pattern => $"/{Route.RoutePattern.RawText?.TrimStart('/')}";

        public string PathWith(Func<RoutePatternParameterPart, string> value) => Route.RoutePattern.Parameters.Aggregate(Pattern, (path, parameter) =>
            System.Text.RegularExpressions.Regex.Replace(path, $@"\{{\**{parameter.Name}[^}}]*\}}", _ => Uri.EscapeDataString(value(parameter))));

        public override string ToString() => $"{Service} {Method} {Pattern}";
    }
}
