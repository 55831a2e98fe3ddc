using System.Net;
using System.Text;
using System.Text.Json;
using Kashif.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace Kashif.Auth.Tests;

/// <summary>What Kashif knows about somebody, in one document.</summary>
public sealed class ExportTests(AuthServers servers)
{
    private static readonly string[] Services = [ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications];

    [Fact]
    public async Task The_export_holds_every_services_part_and_no_secret()
    {
        var asked = new List<(string? Path, string Token)>();
        await using var others = await StartOthersAsync(context =>
        {
            lock (asked)
            {
                asked.Add((context.Request.Path.Value, context.Request.Headers.Authorization.ToString()));
            }

            return context.Response.WriteAsync("""{"things":[1,2,3]}""");
        });
        await using var auth = await StartAsync(others.Urls.First());
        var (email, user) = await auth.Anonymous().RegisterAsync();
        var id = user.GetProperty("id").GetGuid();
        var tokens = await auth.Anonymous().LoginAsync(email);

        using var response = await auth.With(tokens.Access).GetAsync("/api/v1/auth/me/export", TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("application/json");
        response.Content.Headers.ContentDisposition?.DispositionType.ShouldBe("attachment");
        var export = await response.JsonAsync();
        export.GetProperty("account").GetProperty("email").GetString().ShouldBe(email);
        export.GetProperty("account").GetProperty("sessions").GetArrayLength().ShouldBe(1);
        foreach (var service in Services)
        {
            export.GetProperty(service).GetProperty("things").GetArrayLength().ShouldBe(3);
        }

        asked.Select(call => call.Path).ShouldBe(Enumerable.Repeat($"/internal/v1/users/{id}/export", 4));
        asked.ShouldAllBe(call => Claims(call.Token).GetProperty("roles").EnumerateArray().Single().GetString() == "service");

        await using var database = NpgsqlDataSource.Create(auth.Database);
        var text = export.ToString();
        text.ShouldNotContain(await ScalarAsync(database, "SELECT password_hash FROM users WHERE id = $1", id));
        text.ShouldNotContain(await ScalarAsync(database, "SELECT security_stamp FROM users WHERE id = $1", id));
        text.ShouldNotContain(tokens.Refresh);
        (await ScalarAsync(database, "SELECT count(*)::text FROM audit_log WHERE user_id = $1 AND action = 'exported'", id)).ShouldBe("1");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_one_service_away_there_is_no_export_at_all(bool breaksOff)
    {
        var calls = 0;
        await using var others = await StartOthersAsync(async context =>
        {
            if (Interlocked.Increment(ref calls) < 4)
            {
                await context.Response.WriteAsync("{}");
            }
            else if (breaksOff)
            {
                await context.Response.WriteAsync("""{"things":[1,""");
                await context.Response.Body.FlushAsync();
                context.Abort();
            }
            else
            {
                context.Response.StatusCode = StatusCodes.Status403Forbidden;
            }
        });
        await using var auth = await StartAsync(others.Urls.First());
        var (email, _) = await auth.Anonymous().RegisterAsync();
        using var client = auth.With((await auth.Anonymous().LoginAsync(email)).Access);

        using var response = await client.GetAsync("/api/v1/auth/me/export", TestContext.Current.CancellationToken);

        await response.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "export_unavailable");
        response.Headers.RetryAfter.ShouldNotBeNull();
    }

    private Task<ServiceHost<Program>> StartAsync(string others) =>
        servers.StartAsync(settings: [.. Services.Select(service => ($"services:{service}:http:0", (string?)others))]);

    /// <summary>All other services in one.</summary>
    private static async Task<WebApplication> StartOthersAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return app;
    }

    private static JsonElement Claims(string authorization) => JsonSerializer.Deserialize<JsonElement>(
        Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(authorization.Split('.')[1])));

    private static async Task<string> ScalarAsync(NpgsqlDataSource database, string sql, Guid id)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        return (string)(await command.ExecuteScalarAsync()).ShouldNotBeNull();
    }
}
