using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Kashif.AppHost.Tests;

/// <summary>What <c>aspire publish</c> writes for Docker Compose.</summary>
public sealed partial class ComposeTests(Publications publications) : IDisposable
{
    private const string File = "compose/docker-compose.yaml";
    private const string Values = "compose/.env";
    private static readonly string[] Services =
        [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Gateway];

    private static readonly string[] Servers = [ResourceNames.Postgres, ResourceNames.Messaging, ResourceNames.Cache];
    private readonly PublishedOutput _published = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_container_restarts_tells_its_health_and_has_only_the_rights_it_needs()
    {
        var published = await publications.OfAsync("compose");
        var containers = ContainersOf(published);

        containers.Keys.ShouldBe([.. Services, .. Servers, .. Services.SkipLast(1).Select(service => $"{service}-migrate")], ignoreOrder: true);
        foreach (var (name, container) in containers)
        {
            var migrates = name.EndsWith("-migrate", StringComparison.Ordinal);
            container["restart"].Text().ShouldBe(migrates ? "no" : "unless-stopped", name);
            (container["healthcheck"] is null).ShouldBe(migrates, name); // it ends
            container["mem_limit"].Text().ShouldMatch(@"^\d+[mg]$", name);
            container["read_only"].Text().ShouldBe("true", name);
            container["tmpfs"].Items().ShouldContain(path => path.StartsWith("/tmp"), name);
            container["cap_drop"].Items().ShouldBe(["ALL"], name);
            container["security_opt"].Items().ShouldBe(["no-new-privileges:true"], name);
            container["stop_grace_period"].Text().ShouldBe("40s", name);
            container["logging"].ShouldNotBeNull()["options"].ShouldNotBeNull()["max-size"].Text().ShouldBe("10m", name);
            container["image"].Text().ShouldNotEndWith("latest");
            Literals(container).ShouldAllBe(text => !text.Contains("Development"), name);
        }

        containers.Where(container => container.Value["ports"] is not null).Select(container => container.Key).ShouldBe([ResourceNames.Gateway]);
        containers[ResourceNames.Gateway]["ports"].Items().ShouldBe(["${GATEWAY_PORT:-8000}:8080"]);
        containers[ResourceNames.Auth]["image"].Text().ShouldStartWith("${REGISTRY:-}kashif/auth:${TAG:?");
        containers[ResourceNames.Auth]["healthcheck"].ShouldNotBeNull()["test"].Items().ShouldBe(["CMD", "dotnet", "/app/Kashif.Auth.dll", "healthcheck"]);
        containers[ResourceNames.Messaging]["hostname"].Text().ShouldBe(ResourceNames.Messaging); // its data directory has this name
    }

    [Fact]
    public async Task A_service_starts_when_its_servers_are_healthy_and_its_database_is_migrated()
    {
        var published = await publications.OfAsync("compose");
        var containers = ContainersOf(published);

        Conditions(containers["reporting-migrate"]).ShouldBe(new Dictionary<string, string> { ["postgres"] = "service_healthy", ["messaging"] = "service_healthy" }, ignoreOrder: true);
        Conditions(containers["reporting"]).ShouldBe(new Dictionary<string, string>
        {
            ["postgres"] = "service_healthy",
            ["messaging"] = "service_healthy",
            ["reporting-migrate"] = "service_completed_successfully",
            ["auth"] = "service_started",
        }, ignoreOrder: true);
        containers["reporting-migrate"]["command"].Items().ShouldBe(["migrate"]);
        containers["reporting-migrate"]["environment"].ShouldNotBeNull().ToJsonString().ShouldBe(containers["reporting"]["environment"].ShouldNotBeNull().ToJsonString());
    }

    [Fact]
    public async Task Data_are_in_volumes_and_servers_reach_no_other_network()
    {
        var published = await publications.OfAsync("compose");
        var file = published.YamlOf(File);

        file["volumes"].ShouldNotBeNull().AsObject().Select(volume => volume.Key).ShouldBe(["messaging-data", "cache-data", "postgres-data"], ignoreOrder: true);
        file["networks"].ShouldNotBeNull()["data"].ShouldNotBeNull()["internal"].Text().ShouldBe("true");
        foreach (var server in Servers)
        {
            var container = ContainersOf(published)[server];
            container["networks"].Items().ShouldBe(["data"]);
            container["volumes"].Items().ShouldContain(volume => volume.StartsWith($"{server}-data:/"));
        }

        published["compose/messaging/20-kashif.conf"].ShouldContain("vm_memory_high_watermark");
        ContainersOf(published)["messaging"]["volumes"].Items().ShouldContain("./messaging/20-kashif.conf:/etc/rabbitmq/conf.d/20-kashif.conf:ro");
        ContainersOf(published)["cache"]["command"].Items().ShouldContain(command => command.Contains("--requirepass $$REDIS_PASSWORD")); // the container's variable, not Compose's
    }

    [Fact]
    public async Task Secrets_are_only_in_a_file_that_its_owner_alone_may_read()
    {
        await _published.PublishAsync("compose", "--Parameters:smtp-password=given $ecret's", "--Parameters:smtp-host=mail.example.org");
        var values = DotEnvFile.Read(_published[Values]);

        System.IO.File.GetUnixFileMode(_published.PathOf(Values)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        values["WEBHOOK_SEALING_SECRET"].ShouldBeEmpty(); // without it, the password of PostgreSQL is used
        var generated = values.Where(value => GeneratedSecret().IsMatch(value.Key) && value.Key != "WEBHOOK_SEALING_SECRET").ToDictionary();
        generated.Count.ShouldBe(7);
        generated.Values.ShouldBeUnique();
        generated.Values.ShouldAllBe(secret => secret.Length >= 32);
        values["SMTP_PASSWORD"].ShouldBe("given $ecret's");
        values["SMTP_HOST"].ShouldBe("mail.example.org");
        values["PUBLIC_URL"].ShouldBe("https://kashif.example.org");
        var file = _published[File];
        foreach (var secret in generated.Values.Append("given $ecret's"))
        {
            file.ShouldNotContain(secret);
        }
    }

    [Fact]
    public async Task Publishing_again_keeps_secrets_and_edits_and_adds_what_is_missing()
    {
        await _published.PublishAsync("compose");
        var edited = WithTag("1.2.3\n# by hand\nEXTRA='a b'");
        var gone = Regex.Match(edited, "\nCACHE_PASSWORD=.*\n").Value;
        gone.ShouldNotBeEmpty();
        edited = edited.Replace(gone, "\n", StringComparison.Ordinal);
        await System.IO.File.WriteAllTextAsync(_published.PathOf(Values), edited, Cancel);

        await _published.PublishAsync("compose", "--Parameters:smtp-host=other.example.org");

        _published[Values].ShouldStartWith(edited);
        _published[Values][edited.Length..].ShouldMatch(@"^\n# The password of Redis\.\nCACHE_PASSWORD=\w{32}\n\z");
        System.IO.File.GetUnixFileMode(_published.PathOf(Values)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task The_same_model_gives_the_same_file()
    {
        var published = await publications.OfAsync("compose");
        using var other = new PublishedOutput();
        await other.PublishAsync("compose");

        other[File].ShouldBe(published[File]);
    }

    [Fact]
    public async Task An_external_server_has_no_container_volume_or_dependency()
    {
        string[] databases = [.. Services.SkipLast(1).Select(service => $"--ConnectionStrings:{service}-db=Host=db.example.org;Database={service}")];
        await _published.PublishAsync("compose",
            ["--ConnectionStrings:messaging=amqp://user:pa$s@broker.example.org", "--ConnectionStrings:cache=redis.example.org:6380,ssl=true", .. databases]);

        var containers = ContainersOf(_published);
        containers.Keys.Intersect(Servers).ShouldBeEmpty();
        _published.YamlOf(File)["volumes"].ShouldBeNull();
        _published[File].ShouldNotContain("broker.example.org");
        var values = DotEnvFile.Read(_published[Values]);
        values["MESSAGING_CONNECTION_STRING"].ShouldBe("amqp://user:pa$s@broker.example.org");
        values.Keys.ShouldNotContain("MESSAGING_PASSWORD");
        containers["auth"]["environment"].ShouldNotBeNull()["ConnectionStrings__messaging"].Text().ShouldStartWith("${MESSAGING_CONNECTION_STRING:?");
        Conditions(containers["auth"]).Keys.ShouldBe(["auth-migrate"]);
    }

    [Theory]
    [InlineData("public-url", "", "Parameters__public-url")]
    [InlineData("admin-email", "", "Parameters__admin-email")]
    [InlineData("admin-email", "nobody", "Parameters__admin-email")]
    [InlineData("trusted-proxies", "10.0.0.0/8 ingress", "'ingress'")]
    [InlineData("messaging-password", "a/b", "Parameters__messaging-password")]
    public async Task A_setting_that_cannot_be_used_is_named(string name, string value, string named)
    {
        var (exitCode, output) = await _published.TryPublishAsync(
            "compose", $"--Parameters:public-url={PublishedOutput.PublicUrl}", $"--Parameters:admin-email={PublishedOutput.AdminEmail}", $"--Parameters:{name}={value}");

        exitCode.ShouldBe(1, output);
        output.ShouldContain(named);
    }

    [Theory]
    [InlineData("public-url", $"--Parameters:admin-email={PublishedOutput.AdminEmail}")]
    [InlineData("admin-email", $"--Parameters:public-url={PublishedOutput.PublicUrl}")]
    public async Task A_setting_without_a_default_is_asked_for(string missing, string given)
    {
        var (exitCode, output) = await _published.TryPublishAsync("compose", given);

        exitCode.ShouldBe(1, output);
        output.ShouldContain($"Parameters__{missing} is missing. Set it to");
    }

    [Fact]
    public async Task Docker_Compose_accepts_the_file_and_asks_for_the_tag()
    {
        await _published.PublishAsync("compose", "--Parameters:smtp-password=given $ecret's");

        await System.IO.File.WriteAllTextAsync(_published.PathOf(Values), WithTag(""), Cancel);
        var (refused, reason) = await ComposeAsync("config");
        refused.ShouldNotBe(0);
        reason.ShouldContain("Set TAG in .env to the version of the images");

        await System.IO.File.WriteAllTextAsync(_published.PathOf(Values), WithTag("1.2.3"), Cancel);
        var (accepted, output) = await ComposeAsync("config");
        accepted.ShouldBe(0, output);
        output.ShouldContain("kashif/auth:1.2.3");
        output.ShouldContain("Issuer: https://kashif.example.org/api/v1/auth");
        output.ShouldContain(DotEnvFile.Read(_published[Values])["ADMIN_PASSWORD"]);
        output.ShouldContain("given $$ecret's"); // with Compose's escape
    }

    public void Dispose() => _published.Dispose();

    private string WithTag(string tag) => Regex.Replace(_published[Values], "\nTAG=.*\n", $"\nTAG={tag}\n");

    private async Task<(int ExitCode, string Output)> ComposeAsync(params string[] arguments)
    {
        foreach (var (program, words) in new (string, string[])[] { ("docker", ["compose"]), ("docker-compose", []) })
        {
            try
            {
                if ((await PublishedOutput.RunAsync(program, [.. words, "version"], _published.Directory)).ExitCode == 0)
                {
                    return await PublishedOutput.RunAsync(program, [.. words, .. arguments], _published.PathOf("compose"));
                }
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not installed.
            }
        }

        Assert.Skip("Neither docker compose nor docker-compose is installed.");
        return default;
    }

    private static Dictionary<string, JsonNode> ContainersOf(PublishedOutput published) =>
        published.YamlOf(File)["services"].ShouldNotBeNull().AsObject().ToDictionary(container => container.Key, container => container.Value.ShouldNotBeNull());

    private static Dictionary<string, string> Conditions(JsonNode container) =>
        container["depends_on"].ShouldNotBeNull().AsObject().ToDictionary(dependency => dependency.Key, dependency => dependency.Value.ShouldNotBeNull()["condition"].Text());

    private static IEnumerable<string> Literals(JsonNode container) => container["environment"].ShouldNotBeNull().AsObject().Select(variable => variable.Value.Text());

    [GeneratedRegex("^(?:(?!SMTP|OTHER)\\w+_)?(?:PASSWORD|SECRET)$")]
    private static partial Regex GeneratedSecret();
}

/// <summary>Reads <c>.env</c> and puts its values into a compose file, as Docker Compose does.</summary>
internal static partial class DotEnvFile
{
    public static Dictionary<string, string> Read(string text) => Assignment().Matches(text).ToDictionary(
        match => match.Groups["name"].Value,
        match => match.Groups["quoted"] is { Success: true, Value: var quoted } ? quoted.Replace(@"\'", "'", StringComparison.Ordinal) : match.Groups["plain"].Value);

    /// <exception cref="InvalidOperationException">A required value is missing.</exception>
    public static string Interpolate(string text, IReadOnlyDictionary<string, string> values) => Reference().Replace(text, match =>
    {
        var value = values.GetValueOrDefault(match.Groups["name"].Value, "");
        return match.Value == "$$" ? "$"
            : value is not "" ? value
            : match.Groups["kind"].Value == "-" ? match.Groups["text"].Value
            : throw new InvalidOperationException(match.Groups["text"].Value);
    });

    [GeneratedRegex(@"^(?<name>\w+)=(?:'(?<quoted>(?:[^'\\]|\\.)*)'|(?<plain>.*))$", RegexOptions.Multiline)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"\$\$|\$\{(?<name>\w+):(?<kind>[-?])(?<text>[^}]*)\}")]
    private static partial Regex Reference();
}
