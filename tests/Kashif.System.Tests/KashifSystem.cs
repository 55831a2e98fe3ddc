using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Kashif.Security;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

// All tests share one system, and some kill parts of it.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(Kashif.SystemTests.KashifSystem))]

namespace Kashif.SystemTests;

/// <summary>The whole AppHost, started once, with actions of users and failures of its parts.</summary>
public sealed class KashifSystem : IAsyncLifetime
{
    /// <summary>The address of the first admin.</summary>
    public const string AdminEmail = "admin@kashif.test";

    /// <summary>The password of the first admin.</summary>
    public const string AdminPassword = "correct horse battery staple";

    /// <summary>The password of all registered users.</summary>
    public const string Password = "a perfectly good password";

    /// <summary>With the pull of images on containers.</summary>
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(10);

    private DistributedApplication? _application;
    private OtlpReceiver? _telemetry;

    /// <summary>The directory of sent mails.</summary>
    public DirectoryInfo Mail { get; } = Directory.CreateTempSubdirectory("kashif-mail-");

    public DistributedApplication Application => _application ?? throw new InvalidOperationException("Not started.");

    /// <summary>Where all processes export to.</summary>
    public OtlpReceiver Telemetry => _telemetry ?? throw new InvalidOperationException("Not started.");

    public async ValueTask InitializeAsync()
    {
        _telemetry = await OtlpReceiver.StartAsync();
        var builder = await TestAppHost.CreateAsync(
            $"--Parameters:admin-email={AdminEmail}", $"--Parameters:admin-password={AdminPassword}");

        // All requests of these tests come from one address.
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(project => project.Name == ResourceNames.Gateway))
            .WithEnvironment("RateLimits__Scale", "10000000");
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(project => project.Name == ResourceNames.Auth))
            .WithEnvironment("Auth__Throttle__PerAddress", "1000000")
            .WithEnvironment("Auth__LongestHashingWait", "00:00:25") // other tests use the cores too
            .WithEnvironment("Auth__PasswordIterations", "1000") // the tests register hundreds of users
            .WithEnvironment("Auth__ServiceTokenLifetime", "02:00:00") // no renewal within a trace
            .WithEnvironment("Auth__RefreshGrace", "00:00:00");
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(project => project.Name == ResourceNames.Coupons))
            .WithEnvironment("Redemptions__DebitTimeout", "00:00:12") // a slow machine is no fault; a quarter is for the balance
            .WithEnvironment("Redemptions__Lease", "00:00:15"); // longer than that
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(project => project.Name == ResourceNames.Notifications))
            .WithEnvironment("Assistant__ReadTimeout", "00:00:30")
            .WithEnvironment("Smtp__PickupDirectory", Mail.FullName);
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(project => project.Name == ResourceNames.Reporting))
            .WithEnvironment("Surveys__AskAfter", "00:00:00") // while a survey is open
            .WithEnvironment("Surveys__Interval", "00:00:00.500");
        foreach (var project in builder.Resources.OfType<ProjectResource>())
        {
            foreach (var (name, value) in Telemetry.Settings)
            {
                builder.CreateResourceBuilder(project).WithEnvironment(name, value);
            }
        }

        _application = await builder.BuildAsync();
        await _application.StartAsync();
        await _application.ResourceNotifications.WaitForResourceHealthyAsync(ResourceNames.Gateway).WaitAsync(LongestStart);
    }

    public async ValueTask DisposeAsync()
    {
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }

        if (_telemetry is not null)
        {
            await _telemetry.DisposeAsync();
        }

        Mail.Delete(recursive: true);
    }

    /// <summary>A client of the gateway without a token.</summary>
    public HttpClient Anonymous() => new()
    {
        BaseAddress = Application.GetEndpoint(ResourceNames.Gateway, "http"),
        Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>Waits until the gateway has exchanged a client's API key: the first exchange has five seconds, which may be too few on a slow machine.</summary>
    public static Task ExchangedAsync(HttpClient client) => Eventually.TrueAsync(
        async () =>
        {
            using var response = await client.GetAsync("/api/v1/auth/me");
            return response.StatusCode is not HttpStatusCode.ServiceUnavailable;
        },
        "the exchange of the key");

    /// <summary>Waits until a health endpoint of the gateway is healthy: a test before may have stopped a server.</summary>
    /// <returns>The health.</returns>
    public async Task<JsonElement> HealthyAsync(string path)
    {
        using var client = Anonymous();
        var text = "";
        await Eventually.TrueAsync(
            async () =>
            {
                using var response = await client.GetAsync(path);
                text = await response.Content.ReadAsStringAsync();
                return response.IsSuccessStatusCode && JsonSerializer.Deserialize<JsonElement>(text).GetProperty("status").GetString() == "healthy";
            },
            () => $"{path}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    /// <summary>A client with a service's token, for the services' own addresses.</summary>
    public async Task<HttpClient> AsServiceAsync(string service)
    {
        using var anonymous = Anonymous();
        using var response = await anonymous.PostAsync("/api/v1/auth/token", await CredentialsAsync(service, service));
        var client = Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await response.JsonAsync(200)).GetProperty("access_token").GetString());
        return client;
    }

    /// <summary>A token request of one service with the AppHost's secret for this or another one.</summary>
    public async Task<FormUrlEncodedContent> CredentialsAsync(string service, string secretOf)
    {
        var secret = Application.Services.GetRequiredService<DistributedApplicationModel>().Resources.OfType<ParameterResource>().Single(parameter => parameter.Name == $"{secretOf}-secret");
        return new([new("grant_type", "client_credentials"), new("client_id", service), new("client_secret", await secret.GetValueAsync(CancellationToken.None))]);
    }

    /// <summary>A service's own address, without the gateway.</summary>
    public Uri AddressOf(string resource) => Application.GetEndpoint(resource, "http");

    /// <summary>Registers a new user, adds these roles to the citizen's, and signs the user in.</summary>
    public async Task<User> RegisterAsync(params string[] roles)
    {
        var email = $"user-{Guid.CreateVersion7():N}@kashif.test";
        using var anonymous = Anonymous();
        using var registered = await anonymous.PostAsJsonAsync("/api/v1/auth/register", new { email, password = Password, full_name = "Test User" });
        var id = (await registered.JsonAsync(201)).GetProperty("id").GetGuid();
        if (roles is not [])
        {
            await VerifyAsync(id);
            using var admin = (await AdminAsync()).Client;
            using var changed = await admin.PatchAsJsonAsync($"/api/v1/auth/users/{id}", new { roles = roles.Prepend(Roles.Citizen).Distinct() });
            await changed.JsonAsync(200);
        }

        return await SignInAsync(email, Password, id);
    }

    /// <summary>Marks the address of a user as verified, as its link does.</summary>
    public async Task VerifyAsync(Guid id) =>
        (await CountAsync(ResourceNames.AuthDb, "UPDATE users SET email_confirmed = true WHERE id = $1 RETURNING 1", id)).ShouldBe(1);

    public async Task<User[]> RegisterAsync(int count)
    {
        var users = new List<User>();
        foreach (var chunk in Enumerable.Range(0, count).Chunk(4))
        {
            users.AddRange(await Task.WhenAll(chunk.Select(_ => RegisterAsync())));
        }

        return [.. users];
    }

    public Task<User> AdminAsync() => SignInAsync(AdminEmail, AdminPassword, Guid.Empty);

    /// <summary>Closes the open survey, so that the reporters of other tests are not asked.</summary>
    public async Task CloseSurveyAsync()
    {
        using var admin = (await AdminAsync()).Client;
        using var open = await admin.GetAsync("/api/v1/reports/surveys?open=true");
        foreach (var survey in (await open.JsonAsync(200)).GetProperty("items").EnumerateArray())
        {
            using var closed = await admin.PostAsync($"/api/v1/reports/surveys/{survey.GetProperty("id").GetGuid()}/close", content: null);
            await closed.JsonAsync(200);
        }
    }

    /// <summary>Creates a coupon on offer.</summary>
    /// <returns>Its id.</returns>
    public async Task<int> CreateCouponAsync(int stock, int pointsCost, int perUserLimit = 1)
    {
        using var admin = (await AdminAsync()).Client;
        var name = $"Test {Guid.CreateVersion7():N}";
        using var company = await admin.PostAsJsonAsync("/api/v1/coupons/companies", new { name, logo_url = "https://example.org/logo.png", description = "A company" });
        using var category = await admin.PostAsJsonAsync("/api/v1/coupons/categories", new { name, description = "A category" });
        using var coupon = await admin.PostAsJsonAsync("/api/v1/coupons", new
        {
            title = "Free coffee",
            description = "One cup",
            company_id = (await company.JsonAsync(201)).GetProperty("id").GetInt32(),
            category_id = (await category.JsonAsync(201)).GetProperty("id").GetInt32(),
            points_cost = pointsCost,
            stock,
            per_user_limit = perUserLimit,
            starts_at = TimeProvider.System.GetUtcNow().AddDays(-1),
            ends_at = TimeProvider.System.GetUtcNow().AddDays(30),
            terms = "None",
        });
        return (await coupon.JsonAsync(201)).GetProperty("id").GetInt32();
    }

    /// <summary>Puts a product of the city into the shop.</summary>
    /// <returns>Its sku.</returns>
    public async Task<string> CreateProductAsync(int stock, int pointsCost)
    {
        using var admin = (await AdminAsync()).Client;
        var sku = $"P-{Guid.CreateVersion7():N}".ToUpperInvariant();
        using var category = await admin.PostAsJsonAsync("/api/v1/coupons/categories", new { name = sku, description = "A category" });
        using var product = await admin.PostAsJsonAsync("/api/v1/coupons/products", new
        {
            sku,
            name = "A mug",
            description = "Porcelain",
            category_id = (await category.JsonAsync(201)).GetProperty("id").GetInt32(),
            points_cost = pointsCost,
            stock_quantity = stock,
        });
        await product.JsonAsync(201);
        return sku;
    }

    /// <summary>Reads one number from a service's database.</summary>
    public async Task<long> CountAsync(string database, string sql, params object[] parameters)
    {
        await using var source = await OpenAsync(database);
        await using var command = source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Reads one column of text from a service's database.</summary>
    public async Task<IReadOnlyList<string>> RowsAsync(string database, string sql)
    {
        await using var source = await OpenAsync(database);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    /// <summary>Freezes a service: it accepts connections but does not respond.</summary>
    public void Freeze(string resource) => Signal(resource, "STOP");

    public void Thaw(string resource) => Signal(resource, "CONT");

    /// <summary>Kills a service with SIGKILL, without a shutdown.</summary>
    public async Task KillAsync(string resource)
    {
        using var process = Process.GetProcessById(ProcessId(resource));
        process.Kill();
        await process.WaitForExitAsync();
    }

    public Task StartAsync(string resource) => CommandAsync(resource, KnownResourceCommands.StartCommand);

    public async Task StartHealthyAsync(string resource)
    {
        await StartAsync(resource);
        // A start replaces a container, which is unavailable until the new one runs.
        await Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, WaitBehavior.WaitOnResourceUnavailable).WaitAsync(LongestStart);
    }

    public Task StopAsync(string resource) => CommandAsync(resource, KnownResourceCommands.StopCommand);

    private async Task<NpgsqlDataSource> OpenAsync(string database) => NpgsqlDataSource.Create(
        await Application.GetConnectionStringAsync(database) ?? throw new InvalidOperationException($"'{database}' has no connection string."));

    private async Task CommandAsync(string resource, string command)
    {
        var result = await Application.ResourceCommands.ExecuteCommandAsync(resource, command);
        result.Success.ShouldBeTrue($"{command} {resource}");
    }

    private int ProcessId(string resource)
    {
        Application.ResourceNotifications.TryGetCurrentState(resource, out var state).ShouldBeTrue();
        return Convert.ToInt32(
            state.ShouldNotBeNull().Snapshot.Properties.Single(property => property.Name == "executable.pid").Value, CultureInfo.InvariantCulture);
    }

    private void Signal(string resource, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", ProcessId(resource).ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        kill.ExitCode.ShouldBe(0);
    }

    public async Task<User> SignInAsync(string email, string password, Guid id)
    {
        using var anonymous = Anonymous();
        using var form = new FormUrlEncodedContent([new("username", email), new("password", password)]);
        using var response = await anonymous.PostAsync("/api/v1/auth/token", form);
        var token = await response.JsonAsync(200);
        var client = Anonymous();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.GetProperty("access_token").GetString());
        return new User(id, client, token.GetProperty("refresh_token").GetString() ?? "");
    }
}

/// <summary>A signed-in user.</summary>
public sealed record User(Guid Id, HttpClient Client, string RefreshToken)
{
    /// <returns>The report's id.</returns>
    public async Task<Guid> ReportAsync(string title = "A deep pothole", string? idempotencyKey = null)
    {
        using var response = await PostReportAsync(title, idempotencyKey);
        return (await response.JsonAsync(201)).GetProperty("id").GetGuid();
    }

    public async Task<HttpResponseMessage> PostReportAsync(string title, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/reports")
        {
            Content = JsonContent.Create(new { title, description = "In the right lane.", category = "pothole", latitude = 33.51, longitude = 36.29 }),
        };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return await Client.SendAsync(request);
    }

    public async Task<long> PointsAsync() =>
        (await Client.GetFromJsonAsync<JsonElement>("/api/v1/gamification/points/me")).GetProperty("points").GetInt64();

    public Task WaitForPointsAsync(long points) =>
        Eventually.TrueAsync(async () => await PointsAsync() == points, $"{points} points");

    /// <summary>Redeems a coupon and waits for its completion, which may take longer after a test that killed Gamification.</summary>
    /// <returns>The completed redemption.</returns>
    public async Task<JsonElement> RedeemAndWaitAsync(int coupon)
    {
        var (status, redemption) = await RedeemAsync(coupon);
        status.ShouldBeOneOf(201, 202);
        var id = redemption.GetProperty("id").GetGuid();
        await Eventually.TrueAsync(
            async () => (redemption = await Client.GetFromJsonAsync<JsonElement>($"/api/v1/coupons/redemptions/{id}")).GetProperty("status").GetString() == "completed",
            "the completed redemption");
        return redemption;
    }

    /// <summary>Orders one of each product.</summary>
    /// <returns>The HTTP status and the body.</returns>
    public async Task<(int Status, JsonElement Body)> OrderAsync(params string[] skus)
    {
        using var response = await Client.PostAsJsonAsync("/api/v1/coupons/orders", new
        {
            items = skus.Select(sku => new { sku, quantity = 1 }),
            shipping_address = new { name = "Amina", line1 = "12 Straight Street", city = "Damascus", country = "SY" },
        });
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    /// <summary>Orders one of each product and waits until it is paid, which may take longer after a test that killed Gamification.</summary>
    /// <returns>The order's id.</returns>
    public async Task<Guid> OrderAndWaitAsync(params string[] skus)
    {
        var (status, order) = await OrderAsync(skus);
        status.ShouldBeOneOf(201, 202);
        var id = order.GetProperty("id").GetGuid();
        await Eventually.TrueAsync(
            async () => (await Client.GetFromJsonAsync<JsonElement>($"/api/v1/coupons/orders/{id}")).GetProperty("status").GetString() == "paid", "the paid order");
        return id;
    }

    /// <returns>The HTTP status and the body.</returns>
    public async Task<(int Status, JsonElement Body)> RedeemAsync(int coupon)
    {
        using var response = await Client.PostAsync($"/api/v1/coupons/{coupon}/redeem", null);
        var text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }
}

internal static class ResponseExtensions
{
    /// <summary>Asserts the status and returns the JSON.</summary>
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response, int status)
    {
        var text = await response.Content.ReadAsStringAsync();
        ((int)response.StatusCode).ShouldBe(status, text);
        return JsonSerializer.Deserialize<JsonElement>(text);
    }
}
