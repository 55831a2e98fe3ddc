using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Kashif.AppHost.Tests;

/// <summary>What <c>aspire publish</c> writes for Azure Container Apps, through the real Bicep compiler.</summary>
public sealed partial class AzureTests(Publications publications)
{
    private static readonly string[] Services =
        [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Gateway];

    private static readonly string[] ExternalServers =
    [
        "--ConnectionStrings:messaging=amqp://user:pa$s@broker.example.org",
        "--ConnectionStrings:cache=redis.example.org:6380,password=pa$s,ssl=true",
        .. Services.SkipLast(1).Select(service => $"--ConnectionStrings:{service}-db=Host=db.example.org;Password=pa$s;Database={service}"),
    ];

    /// <summary>Values that Bicep would misread, and secrets.</summary>
    private static readonly string[] Awkward =
        [.. ExternalServers, "--Parameters:app-url=https://app.example.org/?a='${b}'\\", "--Parameters:smtp-password=a given secret", "--Parameters:admin-password=another given secret"];

    private static readonly string[] Files = ["main", .. Services];

    [Fact]
    public async Task The_compiler_and_its_linter_find_nothing()
    {
        var templates = await TemplatesAsync();

        templates.Keys.ShouldBe(Files, ignoreOrder: true);
        await RunCompilerAsync(await publications.OfAsync("azure"), "lint");
    }

    [Fact]
    public async Task The_compiler_finds_nothing_with_external_servers_and_awkward_values()
    {
        (await TemplatesAsync(Awkward)).Keys.ShouldBe(Files, ignoreOrder: true);
    }

    [Fact]
    public async Task A_service_has_probes_replicas_and_migrations_and_only_the_gateway_is_reached_from_outside()
    {
        var templates = await TemplatesAsync();
        foreach (var service in Services)
        {
            var template = templates[service];
            var app = template["resources"].ShouldNotBeNull().AsObject()["app"].ShouldNotBeNull();
            var properties = app["properties"].ShouldNotBeNull();
            var ingress = properties["configuration"].ShouldNotBeNull()["ingress"].ShouldNotBeNull();
            var container = properties["template"].ShouldNotBeNull()["containers"].ShouldNotBeNull()[0].ShouldNotBeNull();

            app["name"].Text().ShouldBe(service);
            app["tags"].ShouldNotBeNull()["azd-service-name"].Text().ShouldBe(service); // azd finds it by this tag
            ingress["external"].Text().ShouldBe(service == ResourceNames.Gateway ? "true" : "false");
            (ingress["customDomains"] is not null).ShouldBe(service == ResourceNames.Gateway); // a deployment would remove the public name
            ingress["targetPort"].Text().ShouldBe("8080");
            container["image"].Text().ShouldBe("[parameters('image')]");
            container["probes"].ShouldNotBeNull().AsArray().Select(probe => (probe.ShouldNotBeNull()["type"].Text(), probe["httpGet"].ShouldNotBeNull()["path"].Text()))
                .ShouldBe([("Startup", "/alive"), ("Liveness", "/alive"), ("Readiness", "/ready")]);
            template["parameters"].ShouldNotBeNull()["minReplicas"].ShouldNotBeNull()["defaultValue"].Text().ShouldBe("2");
            var first = properties["template"].ShouldNotBeNull()["initContainers"].ShouldNotBeNull().AsArray();
            first.Select(init => init.ShouldNotBeNull()["args"].Items().Single()).ShouldBe(service == ResourceNames.Gateway ? [] : ["migrate"]);
            first.ShouldAllBe(init => init.ShouldNotBeNull()["image"].Text() == "[parameters('image')]");

            var settings = Settings(template);
            settings["HTTP_PORTS"]["value"].Text().ShouldBe("8080");
            settings["ASPNETCORE_ENVIRONMENT"]["value"].Text().ShouldBe("Production");
            settings.Values.ShouldAllBe(setting => setting["value"] == null || !setting["value"].Text().Contains("Password", StringComparison.OrdinalIgnoreCase));
        }

        var gateway = Settings(templates[ResourceNames.Gateway]);
        gateway["services__auth__http__0"]["value"].Text().ShouldBe("http://auth:80"); // the port of its ingress
        gateway["ServiceClient__ClientSecret"]["secretRef"].Text().ShouldBe("gateway-secret");
    }

    [Fact]
    public async Task Every_secret_that_a_service_reads_is_in_the_vault()
    {
        var templates = await TemplatesAsync();
        var main = (await publications.OfAsync("azure"))["azure/infra/main.bicep"];
        string[] written = [.. VaultSecret().Matches(main).Select(match => match.Groups[1].Value), "cache-connection-string"]; // Azure's Redis writes its own

        foreach (var service in Services)
        {
            var read = Settings(templates[service]).Values.Where(setting => setting["secretRef"] != null).Select(setting => setting["secretRef"].Text()).ToArray();
            read.ShouldNotBeEmpty();
            read.ShouldBeSubsetOf(written);
        }

        main.ShouldContain("Host=${postgres.outputs.host};Port=5432;Username=postgres;Password=${postgresPassword};Database=auth-db;SSL Mode=VerifyFull");
        main.ShouldContain("amqp://guest:${uriComponent(messagingPassword)}@messaging:5672");
    }

    [Fact]
    public async Task Servers_become_services_of_Azure_or_a_container_without_a_shared_volume()
    {
        var published = await publications.OfAsync("azure");
        var main = published["azure/infra/main.bicep"];

        main.ShouldContain("module postgres 'modules/postgres.bicep'");
        main.ShouldContain("module cache 'modules/redis.bicep'");
        main.ShouldContain("module messaging 'modules/server.bicep'");
        main.ShouldContain("version: '17'");
        Databases().Match(main).Value.ShouldContain("'reporting-db'");
        foreach (var module in Directory.EnumerateFiles(published.PathOf("azure/infra/modules")))
        {
            (await File.ReadAllTextAsync(module, TestContext.Current.CancellationToken)).ShouldNotContain("AzureFile");
        }
    }

    [Fact]
    public async Task Azure_allows_the_extensions_that_the_migrations_create()
    {
        var published = await publications.OfAsync("azure");
        var allowed = AllowedExtensions().Match(published["azure/infra/main.bicep"]).Groups[1].Value.Split(',');
        string[] created = [.. Directory.EnumerateFiles(Path.GetFullPath("..", AppHostProgram.Directory), "*.cs", SearchOption.AllDirectories)
            .Where(file => file.Contains($"{Path.DirectorySeparatorChar}Migrations{Path.DirectorySeparatorChar}"))
            .SelectMany(file => CreatedExtension().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value.ToUpperInvariant()).Distinct()];

        created.ShouldNotBeEmpty();
        created.ShouldBeSubsetOf(allowed);
        allowed.ShouldContain("POSTGIS");
    }

    [Fact]
    public async Task No_secret_that_is_given_is_written()
    {
        var published = await publications.OfAsync("azure", Awkward);

        foreach (var file in Directory.EnumerateFiles(published.PathOf("azure"), "*", SearchOption.AllDirectories))
        {
            var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
            text.ShouldNotContain("given secret");
            text.ShouldNotContain("pa$s");
        }

        var main = published["azure/infra/main.bicep"];
        main.ShouldContain("'messaging-connection-string': messagingConnectionString");
        main.ShouldNotContain("modules/postgres.bicep'");
        main.ShouldNotContain("modules/server.bicep'");
        published["azure/infra/auth.parameters.json"].ShouldContain("\"${PUBLIC_URL=https://kashif.example.org}\"");
    }

    [Fact]
    public async Task Azd_builds_and_deploys_every_project()
    {
        var published = await publications.OfAsync("azure");
        var services = published.YamlOf("azure/azure.yaml")["services"].ShouldNotBeNull().AsObject();

        services.Select(service => service.Key).ShouldBe(Services, ignoreOrder: true);
        services[ResourceNames.Gateway].ShouldNotBeNull()["uses"].Items().ShouldBe(Services.SkipLast(1), ignoreOrder: true); // it is ready when they are
        foreach (var (name, service) in services)
        {
            service.ShouldNotBeNull()["host"].Text().ShouldBe("containerapp");
            service["language"].Text().ShouldBe("dotnet");
            Directory.EnumerateFiles(Path.Combine(published.PathOf("azure"), service["project"].Text()), "*.csproj").ShouldHaveSingleItem();
            service["uses"]?.Items().ShouldBeSubsetOf(Services);
            published[$"azure/infra/{name}.parameters.json"].ShouldContain($"${{SERVICE_{name.ToUpperInvariant()}_IMAGE_NAME}}");
        }
    }

    [Fact]
    public async Task The_same_model_gives_the_same_files()
    {
        var published = await publications.OfAsync("azure");
        using var other = new PublishedOutput();
        await other.PublishAsync("azure");

        string[] files = [.. Directory.EnumerateFiles(published.PathOf("azure"), "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(published.PathOf(""), file))];
        files.ShouldNotBeEmpty();
        foreach (var file in files)
        {
            other[file].ShouldBe(published[file], file);
        }
    }

    /// <returns>The templates for Azure, by the names of the Bicep files. They compile without a message, which includes those of the linter.</returns>
    private async Task<Dictionary<string, JsonNode>> TemplatesAsync(params string[] settings)
    {
        var published = await publications.OfAsync("azure", settings);
        var compiled = await publications.OnceAsync($"compiled {published.Directory}", output => RunCompilerAsync(published, "build", "--outdir", output.Directory));
        return Directory.EnumerateFiles(compiled.Directory, "*.json").ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => JsonNode.Parse(File.ReadAllText(file)).ShouldNotBeNull());
    }

    /// <summary>Runs a command of the compiler on all files. A message fails.</summary>
    private static async Task RunCompilerAsync(PublishedOutput published, string command, params string[] options)
    {
        var compiler = typeof(AzureTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "Bicep").Value;
        Assert.SkipUnless(File.Exists(compiler), "The package of the Bicep compiler is for Linux on x64.");
        var (exitCode, output) = await PublishedOutput.RunAsync(compiler, [command, "--pattern", "*.bicep", .. options], published.PathOf("azure/infra"));
        output.Trim().ShouldBeEmpty();
        exitCode.ShouldBe(0);
    }

    private static Dictionary<string, JsonNode> Settings(JsonNode template) => template["variables"].ShouldNotBeNull()["variables"].ShouldNotBeNull().AsArray()
        .Select(setting => setting.ShouldNotBeNull()).ToDictionary(setting => setting["name"].Text());

    [GeneratedRegex("^      '([a-z0-9-]+)': ", RegexOptions.Multiline)]
    private static partial Regex VaultSecret();

    [GeneratedRegex(@"databases: \[[^\]]*\]")]
    private static partial Regex Databases();

    [GeneratedRegex("extensions: '([^']*)'")]
    private static partial Regex AllowedExtensions();

    [GeneratedRegex(@"PostgresExtension:(\w+)|CREATE EXTENSION (?:IF NOT EXISTS )?""?(\w+)")]
    private static partial Regex CreatedExtension();
}
