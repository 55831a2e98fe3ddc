using System.Text;

namespace Kashif.Publish.Azure;

/// <summary>
/// Azure Container Apps, for <c>azd up</c>: <c>azure.yaml</c>, <c>infra/main.bicep</c> for what the services need, and a Bicep file for
/// each service, which azd deploys with the image that it has built.
/// </summary>
internal static class AzureTarget
{
    /// <summary>What the migrations create, and what a team may add for maps.</summary>
    private const string Extensions = "BTREE_GIST,CUBE,POSTGIS";

    private const string Head = """
        # yaml-language-server: $schema=https://raw.githubusercontent.com/Azure/azure-dev/main/schemas/v1.0/azure.yaml.json
        # Written by `aspire publish`. `azd up` in this directory creates what infra/ describes, builds the images and deploys them.

        """;

    /// <summary>Modules that need nothing of the model.</summary>
    private static readonly string[] Modules = ["platform", "postgres", "redis", "secrets", "server"];

    private const string CustomDomain = """

        @description('The host of the public URL. Without it, the app has a name of Azure only. A deployment removes a domain that is not named here.')
        param customDomain string = ''

        @description('The id of its certificate in the environment.')
        param certificateId string = ''

        var customDomains = empty(customDomain) ? [] : [{ name: customDomain, bindingType: 'SniEnabled', certificateId: certificateId }]

        """;

    public static async Task WriteAsync(PublishedApp app, string directory, CancellationToken cancellationToken)
    {
        var settings = AzureSettings.Of(app);
        foreach (var module in Modules)
        {
            await WriteAsync($"infra/modules/{module}.bicep", Bicep.Fill(module));
        }

        await WriteAsync("infra/main.bicep", Infrastructure(app, settings));
        await WriteAsync("infra/main.parameters.json", Bicep.Parameters(
        [
            ("environmentName", "${AZURE_ENV_NAME}"),
            ("location", "${AZURE_LOCATION}"),
            .. settings.MainParameters.Select(settings.Mapping),
        ]));
        foreach (var service in app.Services)
        {
            await WriteAsync($"infra/{service.Name}.bicep", Service(service, settings));
            await WriteAsync($"infra/{service.Name}.parameters.json", Bicep.Parameters(
            [
                ("environmentName", "${AZURE_ENV_NAME}"),
                ("location", "${AZURE_LOCATION}"),
                ("image", $"${{SERVICE_{service.Name.ToUpperInvariant().Replace('-', '_')}_IMAGE_NAME}}"),
                ("environmentId", "${AZURE_CONTAINER_APPS_ENVIRONMENT_ID}"),
                ("identityId", "${AZURE_IDENTITY_ID}"),
                ("registry", "${AZURE_CONTAINER_REGISTRY_ENDPOINT}"),
                ("vaultUri", "${AZURE_KEY_VAULT_URI}"),
                ("unset", "${KASHIF_UNSET}"),
                .. service.IsExternal ? [("customDomain", "${CUSTOM_DOMAIN}"), ("certificateId", "${CERTIFICATE_ID}")] : Array.Empty<(string, string)>(),
                .. settings.PlainParametersOf(service).Select(settings.Mapping),
            ]));
        }

        await WriteAsync("azure.yaml", Head + Yaml.Write(Project(app, directory)));

        async Task WriteAsync(string file, string text)
        {
            var path = Path.Combine(directory, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path) ?? "");
            await File.WriteAllTextAsync(path, text, cancellationToken);
        }
    }

    private static string Infrastructure(PublishedApp app, AzureSettings settings)
    {
        var modules = new StringBuilder();
        foreach (var server in app.Servers)
        {
            modules.Append('\n').Append(server.Resource switch
            {
                PostgresServerResource postgres => Postgres(server, postgres, settings),
                RedisResource => Redis(server, settings),
                _ => Server(server, settings),
            });
        }

        return Bicep.Fill("main",
            ("parameters", string.Concat(settings.MainParameters.Select(parameter => $"\n{settings.Declare(parameter)}"))),
            ("modules", $$"""

            module secrets 'modules/secrets.bicep' = {
              scope: group
              params: {
                vaultName: platform.outputs.vaultName
                values: {
            {{string.Join('\n', settings.Secrets.Select(secret => $"      {Bicep.Quote(secret.Key)}: {secret.Value}"))}}
                }
              }
            }
            {{modules}}
            """),
            ("outputs", settings.OptionalSecrets is [] ? "" : $$"""
            #disable-next-line outputs-should-not-contain-secrets // the names, not the values
            output KASHIF_UNSET string = join(concat({{string.Join(", ", settings.OptionalSecrets.Select(parameter =>
                $"empty({Bicep.ParameterOf(parameter)}) ? [{Bicep.Quote(ParameterValue.NameOf(parameter))}] : []"))}}), ',')

            """));
    }

    private static string Postgres(Workload server, PostgresServerResource postgres, AzureSettings settings) => $$"""
        @description('The size of the database server.')
        param {{Bicep.Identifier(server.Name)}}Sku string = 'Standard_D2ds_v5'

        @description('A standby of the database server in another zone.')
        param {{Bicep.Identifier(server.Name)}}HighAvailability bool = false

        module {{Bicep.Identifier(server.Name)}} 'modules/postgres.bicep' = {
          scope: group
          params: {
            name: '{{server.Name}}-${token}'
            location: location
            tags: tags
            version: {{Bicep.Quote(Major(server.Image))}}
            networkId: platform.outputs.networkId
            subnetId: platform.outputs.postgresSubnetId
            user: {{settings.Write(server.Environment["POSTGRES_USER"])}}
            password: {{settings.Write(server.Environment["POSTGRES_PASSWORD"])}}
            databases: {{Bicep.List(postgres.Databases.Values.Select(Bicep.Quote), "    ")}}
            extensions: {{Bicep.Quote(Extensions)}}
            sku: {{Bicep.Identifier(server.Name)}}Sku
            highAvailability: {{Bicep.Identifier(server.Name)}}HighAvailability
          }
        }

        """;

    private static string Redis(Workload server, AzureSettings settings) => $$"""
        @description('The size of the cache.')
        param {{Bicep.Identifier(server.Name)}}Sku string = 'Balanced_B0'

        module {{Bicep.Identifier(server.Name)}} 'modules/redis.bicep' = {
          scope: group
          params: {
            name: '{{server.Name}}-${token}'
            location: location
            tags: tags
            networkId: platform.outputs.networkId
            subnetId: platform.outputs.endpointsSubnetId
            vaultName: platform.outputs.vaultName
            secretName: {{Bicep.Quote(AzureSettings.ConnectionOf(server))}}
            sku: {{Bicep.Identifier(server.Name)}}Sku
          }
        }

        """;

    private static string Server(Workload server, AzureSettings settings)
    {
        var memory = ServerImage.Of(server.Resource)?.Memory ?? "1Gi";
        return $$"""
            // Its data live as long as its replica. An external server keeps them: publish with ConnectionStrings__{{server.Name}}.
            module {{Bicep.Identifier(server.Name)}} 'modules/server.bicep' = {
              scope: group
              params: {
                name: {{Bicep.Quote(server.Name)}}
                location: location
                tags: tags
                environmentId: platform.outputs.environmentId
                identityId: platform.outputs.identityId
                image: {{Bicep.Quote(server.Image ?? "")}}
                command: {{(server.EntryPoint is { } entryPoint ? $"[{Bicep.Quote(entryPoint)}]" : "[]")}}
                args: {{Bicep.List(server.Arguments.Select(settings.Write), "    ")}}
                env: {{Bicep.List(settings.EnvironmentOf(server), "    ")}}
                secrets: {{Bicep.List(settings.SecretNamesOf(server).Select(name => $$"""{ name: '{{name}}', keyVaultUrl: '${platform.outputs.vaultUri}secrets/{{name}}', identity: platform.outputs.identityId }"""), "    ")}}
                ports: [{{string.Join(", ", server.Endpoints.Select(endpoint => Bicep.Number(endpoint.Port)))}}]
                volumes: {{Bicep.List(server.Volumes.Select(volume => $"{{ name: {Bicep.Quote(volume.Name)}, path: {Bicep.Quote(volume.Path)} }}"), "    ")}}
                files: {{Bicep.List(server.Files.Select(file => $"{{ name: {Bicep.Quote(file.Name)}, path: {Bicep.Quote(file.Path)}, content: {Bicep.Quote(file.Content)} }}"), "    ")}}
                cpu: '{{(memory == "2Gi" ? "1.0" : "0.5")}}' // Azure couples it with the memory
                memory: {{Bicep.Quote(memory == "2Gi" ? memory : "1Gi")}}
              }
              dependsOn: [secrets]
            }

            """;
    }

    private static string Service(Workload service, AzureSettings settings)
    {
        var port = Bicep.Number(service.Endpoints[0].Port);
        var ingress = service.IsExternal
            ? $"{{ external: true, targetPort: {port}, transport: 'auto', customDomains: customDomains }}"
            : $"{{ external: false, targetPort: {port}, transport: 'auto', allowInsecure: true }}"; // inside, the services speak HTTP

        // Not a job: azd would have to start it between the images and the services. Under the lock, one replica migrates and the others wait.
        var initContainers = service.Migrates ? "[{ name: 'migrate', image: image, args: ['migrate'], env: env, resources: { cpu: json('0.5'), memory: '1Gi' } }]" : "[]";
        return Bicep.Fill("service",
            ("parameters", (service.IsExternal ? CustomDomain : "") + string.Concat(settings.PlainParametersOf(service).Select(parameter => $"\n{settings.Declare(parameter)}"))),
            ("secretNames", Bicep.List(settings.SecretNamesOf(service).Select(Bicep.Quote))),
            ("env", Bicep.List(settings.EnvironmentOf(service))),
            ("ingress", ingress),
            ("initContainers", initContainers),
            ("args", Bicep.List(service.Arguments.Select(settings.Write))),
            ("probes", Bicep.List(Probes(service), "          ")),
            ("name", service.Name));
    }

    private static IEnumerable<string> Probes(Workload service)
    {
        if (service.ProbeOf(ProbeType.Liveness) is { } alive)
        {
            yield return $"{{ type: 'Startup', httpGet: {{ path: {Bicep.Quote(alive.Path)}, port: {Bicep.Number(alive.Port)} }}, periodSeconds: 10, failureThreshold: 10 }}";
            yield return $"{{ type: 'Liveness', httpGet: {{ path: {Bicep.Quote(alive.Path)}, port: {Bicep.Number(alive.Port)} }}, periodSeconds: 10, failureThreshold: 3 }}";
        }

        if (service.ProbeOf(ProbeType.Readiness) is { } ready)
        {
            yield return $"{{ type: 'Readiness', httpGet: {{ path: {Bicep.Quote(ready.Path)}, port: {Bicep.Number(ready.Port)} }}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 }}";
        }
    }

    private static AzdProject Project(PublishedApp app, string directory) =>
        new("kashif", new AzdInfrastructure("bicep", "infra"), app.Services.ToDictionary(service => service.Name, service => Service(app, service, directory)));

    private static AzdService Service(PublishedApp app, Workload service, string directory)
    {
        var project = Path.GetRelativePath(directory, service.ProjectDirectory ?? "").Replace('\\', '/');
        return new AzdService(project, "dotnet", "containerapp", [.. app.Services.Where(other => service.Calls.Contains(other.Name)).Select(other => other.Name)]);
    }

    /// <returns>17 of <c>postgis:17-3.5</c>.</returns>
    private static string Major(string? image) => image?.Split(':')[^1].Split('.', '-')[0] ?? "";
}
