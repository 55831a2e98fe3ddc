using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Kashif.Notifications.Tests;

/// <summary>The public API of Reporting, Gamification and Coupons as documented, with the same data for every caller.</summary>
internal sealed class FakeServices : IAsyncDisposable
{
    /// <summary>Faults besides a status.</summary>
    public const int Slow = 1;

    public const int Garbage = 2;

    public const string Code = "7K3M9QXW2TBD";
    public const string Pothole = "0198f0a0-1111-7000-8000-000000000001";
    public const string Redemption = "0198f0a0-1111-7000-8000-000000000004";

    private readonly ConcurrentDictionary<Guid, int> _faults = [];
    private WebApplication? _app;

    public string Address => _app?.Urls.Single() ?? throw new InvalidOperationException("Not started.");

    /// <summary>Who has read which path.</summary>
    public ConcurrentBag<(string Path, Guid User)> Callers { get; } = [];

    /// <summary>Answers this user with a fault: a status, <see cref="Slow"/> or <see cref="Garbage"/>.</summary>
    public void Fail(Guid user, int fault) => _faults[user] = fault;

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Use(async (context, next) =>
        {
            var token = new JsonWebToken(context.Request.Headers.Authorization.ToString()["Bearer ".Length..]);
            var user = Guid.Parse(token.Subject);
            Callers.Add((context.Request.Path, user));
            await FaultAsync(context, _faults.GetValueOrDefault(user), next);
        });
        _app.MapGet("/api/v1/reports/my-reports", () => Page(
            Report(Pothole, "Deep pothole", "in_progress", "2026-11-28T08:00:00.000000Z", "2999-12-01T08:00:00.000000Z"),
            Report("0198f0a0-1111-7000-8000-000000000002", "Broken lamp", "submitted", "2026-11-20T08:00:00.000000Z", "2020-11-27T08:00:00.000000Z"),
            Report("0198f0a0-1111-7000-8000-000000000003", "Bags of garbage", "resolved", "2026-11-02T08:00:00.000000Z", "2020-11-05T08:00:00.000000Z")));
        _app.MapGet("/api/v1/gamification/points/me", () => Results.Json(
            new { user_id = Guid.CreateVersion7(), points = 5, earned = 80, spent = 75, rank = 4, level = 2 }));
        _app.MapGet("/api/v1/coupons", (bool affordable) => affordable ? Page(Coupon(13, "Sold out tea", 5, 0), Coupon(12, "Free coffee", 5, 98)) : Page());
        _app.MapGet("/api/v1/coupons/redemptions/me", () => Page(new
        {
            id = Redemption,
            status = "completed",
            coupon = new { id = 12, title = "Free coffee", company_id = 7 },
            code = Code,
            points_spent = 5,
            expires_at = "2999-11-01T00:00:00.000000Z",
            created_at = "2026-11-20T08:00:00.000000Z",
        }));
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    internal static async Task FaultAsync(HttpContext context, int fault, RequestDelegate next)
    {
        switch (fault)
        {
            case 0:
                await next(context);
                break;
            case Slow:
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case Garbage:
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync("""{"choices": "<html>""");
                break;
            default:
                context.Response.StatusCode = fault;
                break;
        }
    }

    private static IResult Page(params object[] items) => Results.Json(new { items, next_cursor = (string?)null });

    private static object Report(string id, string title, string status, string updated, string due) => new
    {
        id,
        user_id = Guid.CreateVersion7(),
        title,
        description = "",
        category = "pothole",
        status,
        latitude = 33.51,
        longitude = 36.29,
        address = (string?)null,
        created_at = "2026-11-01T08:00:00.000000Z",
        updated_at = updated,
        expected_at = due,
        version = 1,
    };

    private static object Coupon(int id, string title, int cost, int stock) => new
    {
        id,
        title,
        description = "",
        company_id = 7,
        company_name = "Corner Café",
        category_id = 3,
        points_cost = cost,
        stock,
        per_user_limit = 1,
        starts_at = "2026-11-01T00:00:00.000000Z",
        ends_at = (string?)null,
        terms = (string?)null,
    };
}

/// <summary>A server that speaks the chat completions of OpenAI.</summary>
internal sealed class FakeModel : IAsyncDisposable
{
    private WebApplication? _app;

    public string Address => _app?.Urls.Single() ?? throw new InvalidOperationException("Not started.");

    public string Reply { get; set; } = "";

    /// <summary>As in <see cref="FakeServices"/>.</summary>
    public int Fault { get; set; }

    public ConcurrentQueue<(string Headers, JsonElement Body)> Requests { get; } = [];

    public void Reset()
    {
        (Reply, Fault) = ("", 0);
        Requests.Clear();
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/chat/completions", async (HttpContext context) =>
        {
            Requests.Enqueue((context.Request.Headers.Authorization.ToString(), await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body)));
            await FakeServices.FaultAsync(context, Fault, response => response.Response.WriteAsJsonAsync(new
            {
                id = "chatcmpl-1",
                @object = "chat.completion",
                created = 1_764_000_000,
                model = "small-model",
                choices = new[] { new { index = 0, message = new { role = "assistant", content = Reply }, finish_reason = "stop" } },
                usage = new { prompt_tokens = 10, completion_tokens = 10, total_tokens = 20 },
            }));
        });
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
