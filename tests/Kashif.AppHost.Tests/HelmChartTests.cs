using System.Text.Json;
using System.Text.RegularExpressions;

namespace Kashif.AppHost.Tests;

/// <summary>The chart, rendered by the real Helm.</summary>
public sealed partial class HelmChartTests(HelmChartFixture fixture, Publications publications) : IClassFixture<HelmChartFixture>
{
    private static readonly string[] Services =
        [ResourceNames.Auth, ResourceNames.Reporting, ResourceNames.Gamification, ResourceNames.Coupons, ResourceNames.Notifications, ResourceNames.Gateway];

    private static readonly string[] Servers = [ResourceNames.Postgres, ResourceNames.Messaging, ResourceNames.Cache];

    // Every option of values.yaml that adds, removes or changes an object.
    private static readonly string[] Production =
    [
        "--set", "image.registry=registry.example.org/city,image.tag=1.2.3",
        "--set-json", """image.pullSecrets=[{"name":"registry"}]""",
        "--set", "secrets.postgresPassword.existingSecret=database,secrets.smtpPassword.value=it's \"secret\"",
        "--set", "settings.trustedProxies=10.0.0.0/8,settings.smtpHost=mail.example.org",
        "--set", "ingress.className=nginx,servers.postgres.storage.className=fast,servers.postgres.storage.size=100Gi",
        "--set-json", """ingress.annotations={"cert-manager.io/cluster-issuer":"letsencrypt"}""",
        "--set-json", """services.auth.envFrom=[{"configMapRef":{"name":"more"}}]""",
        "--set", "services.auth.autoscaling.enabled=false,services.auth.replicas=3,services.coupons.image=registry.example.org/coupons@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "--set", "monitoring.enabled=true,tls.enabled=true,tls.issuer=internal",
        "--set-json", """monitoring.labels={"release":"prometheus"}""",
    ];

    private static readonly string[] Minimal =
        ["--set", "ingress.enabled=false,networkPolicy.enabled=false,ingress.tls.secretName=,services.gateway.service.type=LoadBalancer,services.gateway.service.port=80"];

    private static readonly string[] ExternalServers =
    [
        .. new[] { ResourceNames.AuthDb, ResourceNames.ReportingDb, ResourceNames.GamificationDb, ResourceNames.CouponsDb, ResourceNames.NotificationsDb, ResourceNames.Messaging, ResourceNames.Cache }
            .Select(name => $"--ConnectionStrings:{name}=secret-of-{name}"),
    ];

    public static TheoryData<string> Variants => ["install", "upgrade", "production", "minimal"];

    private Task<IReadOnlyList<JsonElement>> RenderAsync(string variant = "install") => fixture.RenderOnceAsync(variant switch
    {
        "upgrade" => ["--is-upgrade"],
        "production" => Production,
        "minimal" => Minimal,
        _ => [],
    });

    [Theory]
    [InlineData("install")]
    [InlineData("production")]
    [InlineData("minimal")]
    public async Task Helm_finds_no_fault(string variant)
    {
        var (exitCode, output) = await HelmChartFixture.HelmAsync(["lint", "--strict", fixture.Chart, .. variant switch { "production" => Production, "minimal" => Minimal, _ => [] }]);

        exitCode.ShouldBe(0, output);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Each_pod_is_restricted_limited_and_probed(string variant)
    {
        var pods = PodsOf(await RenderAsync(variant)).ToArray();

        pods.Length.ShouldBe(Services.Length + (Services.Length - 1) + Servers.Length); // all but the gateway migrate
        foreach (var (owner, name, pod) in pods)
        {
            var spec = pod.GetProperty("spec");
            spec.GetProperty("automountServiceAccountToken").GetBoolean().ShouldBeFalse(name);
            spec.GetProperty("securityContext").GetProperty("runAsNonRoot").GetBoolean().ShouldBeTrue(name);
            spec.GetProperty("securityContext").GetProperty("runAsUser").GetInt64().ShouldBeGreaterThan(0, name);
            spec.GetProperty("securityContext").GetProperty("seccompProfile").GetProperty("type").GetString().ShouldBe("RuntimeDefault", name);
            foreach (var container in spec.GetProperty("containers").EnumerateArray())
            {
                var security = container.GetProperty("securityContext");
                security.GetProperty("readOnlyRootFilesystem").GetBoolean().ShouldBeTrue(name);
                security.GetProperty("allowPrivilegeEscalation").GetBoolean().ShouldBeFalse(name);
                security.GetProperty("capabilities").GetProperty("drop")[0].GetString().ShouldBe("ALL", name);
                container.GetProperty("resources").GetProperty("requests").GetProperty("cpu").GetString().ShouldNotBeNullOrEmpty(name);
                container.GetProperty("resources").GetProperty("requests").GetProperty("memory").GetString().ShouldNotBeNullOrEmpty(name);
                container.GetProperty("resources").GetProperty("limits").GetProperty("memory").GetString().ShouldNotBeNullOrEmpty(name);
                (container.GetProperty("image").GetString() ?? "").ShouldMatch(@"(:(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})$", name);
                if (owner != "Job")
                {
                    container.TryGetProperty("readinessProbe", out _).ShouldBeTrue(name);
                    container.TryGetProperty("livenessProbe", out _).ShouldBeTrue(name);
                    container.TryGetProperty("startupProbe", out _).ShouldBeTrue(name);
                }
            }
        }
    }

    [Fact]
    public async Task A_service_has_two_replicas_at_least_and_loses_one_at_a_time()
    {
        var objects = await RenderAsync();

        foreach (var name in Services)
        {
            var deployment = Find(objects, "Deployment", name).GetProperty("spec");
            var rolling = deployment.GetProperty("strategy").GetProperty("rollingUpdate");
            rolling.GetProperty("maxUnavailable").GetInt32().ShouldBe(0);
            deployment.TryGetProperty("replicas", out _).ShouldBeFalse(); // else an upgrade would undo the autoscaler
            Find(objects, "HorizontalPodAutoscaler", name).GetProperty("spec").GetProperty("minReplicas").GetInt32().ShouldBe(2);
            Find(objects, "PodDisruptionBudget", name).GetProperty("spec").GetProperty("maxUnavailable").GetInt32().ShouldBe(1);
            deployment.GetProperty("template").GetProperty("spec").GetProperty("topologySpreadConstraints").GetArrayLength().ShouldBe(2);
        }

        var auth = Find(await RenderAsync("production"), "Deployment", ResourceNames.Auth).GetProperty("spec");
        auth.GetProperty("replicas").GetInt32().ShouldBe(3);
        auth.GetProperty("template").GetProperty("spec").GetProperty("containers")[0].GetProperty("envFrom").EnumerateArray()
            .Select(source => source.GetProperty("configMapRef").GetProperty("name").GetString()).ShouldBe(["city-tls", "more"]);
    }

    [Fact]
    public async Task A_service_is_probed_where_it_answers_and_drains_before_it_ends()
    {
        var container = Find(await RenderAsync(), "Deployment", ResourceNames.Reporting).GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0];

        container.GetProperty("readinessProbe").GetProperty("httpGet").GetProperty("path").GetString().ShouldBe("/ready");
        container.GetProperty("livenessProbe").GetProperty("httpGet").GetProperty("path").GetString().ShouldBe("/alive");
        container.GetProperty("startupProbe").GetProperty("httpGet").GetProperty("path").GetString().ShouldBe("/alive");
        container.GetProperty("lifecycle").GetProperty("preStop").GetProperty("sleep").GetProperty("seconds").GetInt32().ShouldBeGreaterThan(0);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task What_a_pod_refers_to_is_in_the_chart(string variant)
    {
        var objects = await RenderAsync(variant);
        var keys = objects.Where(item => Kind(item) is "Secret" or "ConfigMap")
            .SelectMany(item => (item.TryGetProperty("stringData", out var data) ? data : item.GetProperty("data")).EnumerateObject().Select(entry => $"{Kind(item)} {Name(item)} {entry.Name}")).ToHashSet();
        var references = PodsOf(objects).SelectMany(pod => pod.Pod.GetProperty("spec").GetProperty("containers").EnumerateArray())
            .SelectMany(container => container.GetProperty("env").EnumerateArray())
            .Where(variable => variable.TryGetProperty("valueFrom", out _)).Select(variable => variable.GetProperty("valueFrom").EnumerateObject().Single())
            .Select(source => $"{(source.Name == "secretKeyRef" ? "Secret" : "ConfigMap")} {source.Value.GetProperty("name").GetString()} {source.Value.GetProperty("key").GetString()}").ToHashSet();

        references.Count.ShouldBeGreaterThan(15);
        references.Where(reference => !keys.Contains(reference)).ShouldBe(variant == "production" ? ["Secret database value"] : []);
        keys.Where(key => key.StartsWith("Secret", StringComparison.Ordinal)).Select(key => key.Split(' ')[1]).Distinct().Count().ShouldBe(variant == "production" ? 12 : 13);
    }

    [Fact]
    public async Task A_secret_is_in_its_Secret_and_nowhere_else()
    {
        var objects = await HelmChartFixture.RenderAsync(fixture.Chart, "--set", "secrets.postgresPassword.value=p4ssw0rd-of-postgres,secrets.messagingPassword.value=p@ss/word");

        objects.Where(item => item.GetRawText().Contains("p4ssw0rd-of-postgres", StringComparison.Ordinal)).Select(item => $"{Kind(item)} {Name(item)}")
            .ShouldBe(["Secret city-postgres-password"]);
        var messaging = Find(objects, "Secret", "messaging-password").GetProperty("stringData");
        messaging.GetProperty("value").GetString().ShouldBe("p@ss/word");
        messaging.GetProperty("uri-encoded").GetString().ShouldBe("p%40ss%2Fword");
        Find(objects, "Secret", "smtp-password").GetProperty("stringData").GetProperty("value").GetString().ShouldBe("");
        (Find(objects, "Secret", "signing-key-secret").GetProperty("stringData").GetProperty("value").GetString() ?? "").ShouldMatch("^[A-Za-z0-9]{32}$"); // generated
    }

    /// <summary>Kubernetes expands <c>$(NAME)</c> only for variables that stand before.</summary>
    [Theory]
    [MemberData(nameof(Variants))]
    public async Task A_variable_refers_to_variables_before_it(string variant)
    {
        var found = 0;
        foreach (var container in PodsOf(await RenderAsync(variant)).SelectMany(pod => pod.Pod.GetProperty("spec").GetProperty("containers").EnumerateArray()))
        {
            var before = new HashSet<string>();
            foreach (var variable in container.GetProperty("env").EnumerateArray())
            {
                var name = variable.GetProperty("name").GetString() ?? "";
                var value = variable.TryGetProperty("value", out var text) ? text.GetString() ?? "" : "";
                foreach (Match reference in Reference().Matches(value))
                {
                    before.ShouldContain(reference.Groups[1].Value, name);
                    found++;
                }

                before.Add(name).ShouldBeTrue(name);
            }
        }

        found.ShouldBeGreaterThan(10);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task A_Service_leads_to_ports_of_the_pods_of_one_workload(string variant)
    {
        var objects = await RenderAsync(variant);
        var pods = PodsOf(objects).ToArray();
        foreach (var service in objects.Where(item => Kind(item) == "Service"))
        {
            var pod = pods.Where(pod => Matches(service.GetProperty("spec").GetProperty("selector"), pod.Pod)).ShouldHaveSingleItem(Name(service));
            var ports = pod.Pod.GetProperty("spec").GetProperty("containers")[0].GetProperty("ports").EnumerateArray().ToDictionary(port => port.GetProperty("name").GetString() ?? "");
            foreach (var port in service.GetProperty("spec").GetProperty("ports").EnumerateArray())
            {
                var target = ports[port.GetProperty("targetPort").GetString() ?? ""].GetProperty("containerPort").GetInt32();
                port.GetProperty("port").GetInt32().ShouldBe(variant == "minimal" && Name(service) == $"city-{ResourceNames.Gateway}" ? 80 : target);
            }
        }

        objects.Where(item => Kind(item) == "StatefulSet").Select(item => item.GetProperty("spec").GetProperty("serviceName").GetString())
            .ShouldBe(Servers.Select(name => $"city-{name}"), ignoreOrder: true);
    }

    [Fact]
    public async Task Only_the_gateway_is_open_and_each_caller_reaches_what_it_calls()
    {
        var objects = await RenderAsync();
        var policies = objects.Where(item => Kind(item) == "NetworkPolicy").ToArray();
        var pods = PodsOf(objects).ToArray();

        pods.ShouldAllBe(pod => Matches(Find(objects, "NetworkPolicy", "default-deny").GetProperty("spec").GetProperty("podSelector").GetProperty("matchLabels"), pod.Pod));
        policies.Where(policy => policy.GetProperty("spec").TryGetProperty("ingress", out var rules) && rules.EnumerateArray().Any(rule => !rule.TryGetProperty("from", out _)))
            .Select(Name).ShouldBe([$"city-{ResourceNames.Gateway}"]);
        var calls = 0;
        foreach (var (_, caller, pod) in pods)
        {
            var environment = pod.GetProperty("spec").GetProperty("containers")[0].GetProperty("env").GetRawText();
            foreach (var callee in Services.Concat(Servers).Where(name => Regex.IsMatch(environment, $@"city-{name}:|=city-{name};")))
            {
                calls++;
                var policy = Find(objects, "NetworkPolicy", callee).GetProperty("spec").GetProperty("ingress")[0].GetProperty("from")[0].GetProperty("podSelector");
                Matches(policy.GetProperty("matchLabels"), pod).ShouldBeTrue();
                policy.GetProperty("matchExpressions")[0].GetProperty("values").EnumerateArray().Select(value => value.GetString())
                    .ShouldContain(LabelsOf(pod).GetProperty("app.kubernetes.io/name").GetString(), $"{caller} calls {callee}");
            }
        }

        calls.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task An_upgrade_migrates_before_the_new_pods_start()
    {
        var installation = (await RenderAsync()).Where(item => Kind(item) == "Job").ToArray();
        var output = await publications.OfAsync("kubernetes", ExternalServers); // rendered without a cluster, a chart with its own database takes it for missing
        var upgrade = (await HelmChartFixture.RenderAsync(Path.Combine(output.Directory, "kubernetes"), "--is-upgrade")).Where(item => Kind(item) == "Job").ToArray();

        installation.Length.ShouldBe(Services.Length - 1);
        installation.ShouldAllBe(job => !job.GetProperty("metadata").GetRawText().Contains("helm.sh/hook", StringComparison.Ordinal)); // no database yet
        upgrade.Length.ShouldBe(installation.Length);
        foreach (var job in upgrade)
        {
            job.GetProperty("metadata").GetProperty("annotations").GetProperty("helm.sh/hook").GetString().ShouldBe("pre-upgrade");
            var container = job.GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0];
            container.GetProperty("args")[0].GetString().ShouldBe("migrate");
            container.GetProperty("env").EnumerateArray().Where(variable => variable.TryGetProperty("valueFrom", out _)).Select(variable => variable.GetProperty("name").GetString())
                .ShouldAllBe(name => (name ?? "").StartsWith("ConnectionStrings__"));
        }
    }

    [Fact]
    public async Task A_changed_parameter_restarts_the_pods_that_use_it_and_no_others()
    {
        var before = await RenderAsync();
        var after = await HelmChartFixture.RenderAsync(fixture.Chart, "--set", "settings.smtpHost=mail.example.org");

        Services.Where(name => Checksum(before, name) != Checksum(after, name)).ShouldBe([ResourceNames.Notifications]);

        static string? Checksum(IReadOnlyList<JsonElement> objects, string name) => Find(objects, "Deployment", name).GetProperty("spec").GetProperty("template")
            .GetProperty("metadata").GetProperty("annotations").GetProperty("checksum/parameters").GetString();
    }

    [Fact]
    public async Task With_tls_services_call_each_other_by_https()
    {
        var objects = await HelmChartFixture.RenderAsync(fixture.Chart, "--set", "tls.enabled=true");
        foreach (var container in objects.Where(item => Kind(item) == "Deployment").Select(item => item.GetProperty("spec").GetProperty("template").GetProperty("spec").GetProperty("containers")[0]))
        {
            var environment = container.GetProperty("env").EnumerateArray().ToDictionary(
                variable => variable.GetProperty("name").GetString() ?? "", variable => variable.TryGetProperty("value", out var value) ? value.GetString() : null);
            environment.ShouldContainKey("HTTPS_PORTS");
            environment.ShouldNotContainKey("HTTP_PORTS");
            environment.Where(variable => variable.Key.StartsWith("services__", StringComparison.Ordinal))
                .ShouldAllBe(variable => variable.Key.Contains("__https__") && (variable.Value ?? "").StartsWith("https://city-"));
            container.GetProperty("readinessProbe").GetProperty("httpGet").GetProperty("scheme").GetString().ShouldBe("HTTPS");
            container.GetProperty("envFrom")[0].GetProperty("configMapRef").GetProperty("name").GetString().ShouldBe("city-tls");
        }

        Find(objects, "ConfigMap", "tls").GetProperty("data").GetProperty("Kestrel__Certificates__Default__Path").GetString().ShouldBe("/tls/tls.crt");
        (await RenderAsync()).ShouldNotContain(item => Kind(item) == "ConfigMap" && Name(item) == "city-tls");
    }

    [Theory]
    [InlineData("image.tag=latest", "image.tag")]
    [InlineData("settings.publicUrl=", "settings.publicUrl")]
    [InlineData("settings.adminEmail=", "settings.adminEmail")]
    [InlineData("services.auth.replica=3", "replica")]
    [InlineData("services.auth.replicas=many", "replicas")]
    [InlineData("setting.smtpHost=mail.example.org", "setting")]
    public async Task A_value_that_cannot_be_used_is_named(string value, string name)
    {
        var (exitCode, output) = await HelmChartFixture.HelmAsync("template", "city", fixture.Chart, "--set", value);

        exitCode.ShouldNotBe(0);
        output.ShouldContain(name);
    }

    [Fact]
    public async Task A_long_release_name_is_refused()
    {
        var (exitCode, output) = await HelmChartFixture.HelmAsync("template", new string('a', 37), fixture.Chart);

        exitCode.ShouldNotBe(0);
        output.ShouldContain("36 lower-case letters");
    }

    [Fact]
    public void Values_have_comments()
    {
        var lines = fixture.Values.Split('\n');
        foreach (var key in new[] { "  publicUrl:", "  smtpHost:", "image:", "settings:", "secrets:", "services:", "servers:", "  className:", "  host:" })
        {
            var index = Array.FindIndex(lines, line => line.StartsWith(key, StringComparison.Ordinal));
            (index > 0 && lines[index - 1].TrimStart().StartsWith('#')).ShouldBeTrue(key);
        }

        fixture.Values.ShouldContain($"publicUrl: \"{PublishedOutput.PublicUrl}\"");
    }

    [Fact]
    public async Task An_external_server_gets_no_container()
    {
        var output = await publications.OfAsync("kubernetes", ExternalServers);

        var objects = await HelmChartFixture.RenderAsync(Path.Combine(output.Directory, "kubernetes"), "--set", "secrets.messaging.value=amqp://elsewhere");

        objects.ShouldNotContain(item => Kind(item) == "StatefulSet");
        Find(objects, "Secret", ResourceNames.Messaging).GetProperty("stringData").GetProperty("value").GetString().ShouldBe("amqp://elsewhere");
        Find(objects, "Secret", ResourceNames.AuthDb).GetProperty("stringData").GetProperty("value").GetString().ShouldBe("");
        System.IO.Directory.EnumerateFiles(output.Directory, "*", SearchOption.AllDirectories).ShouldAllBe(file => !File.ReadAllText(file).Contains("secret-of-"));
    }

    [Fact]
    public async Task The_same_model_gives_the_same_chart()
    {
        using var other = new PublishedOutput();
        await other.PublishAsync("kubernetes");

        foreach (var file in System.IO.Directory.EnumerateFiles(fixture.Chart, "*", SearchOption.AllDirectories))
        {
            other[Path.Combine("kubernetes", Path.GetRelativePath(fixture.Chart, file))].ShouldBe(await File.ReadAllTextAsync(file), file);
        }
    }

    [Theory]
    [InlineData("public-url", "admin-email")]
    [InlineData("admin-email", "public-url")]
    public async Task Publishing_without_a_required_parameter_names_it(string missing, string given)
    {
        using var output = new PublishedOutput();
        var (exitCode, text) = await output.TryPublishAsync("kubernetes", $"--Parameters:{given}={(given == "public-url" ? PublishedOutput.PublicUrl : PublishedOutput.AdminEmail)}");

        exitCode.ShouldNotBe(0);
        text.ShouldContain($"Parameters__{missing} is missing. Set it to ");
        System.IO.Directory.EnumerateFileSystemEntries(output.Directory).ShouldBeEmpty();
    }

    private static string Kind(JsonElement item) => item.GetProperty("kind").GetString() ?? "";

    private static string Name(JsonElement item) => item.GetProperty("metadata").GetProperty("name").GetString() ?? "";

    private static JsonElement Find(IReadOnlyList<JsonElement> objects, string kind, string name) => objects.Single(item => Kind(item) == kind && Name(item) == $"city-{name}");

    private static IEnumerable<(string Owner, string Name, JsonElement Pod)> PodsOf(IReadOnlyList<JsonElement> objects) => objects
        .Where(item => Kind(item) is "Deployment" or "StatefulSet" or "Job")
        .Select(item => (Kind(item), Name(item), item.GetProperty("spec").GetProperty("template")));

    private static JsonElement LabelsOf(JsonElement pod) => pod.GetProperty("metadata").GetProperty("labels");

    private static bool Matches(JsonElement selector, JsonElement pod) => selector.EnumerateObject()
        .All(label => LabelsOf(pod).TryGetProperty(label.Name, out var value) && value.GetString() == label.Value.GetString());

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Reference();
}
