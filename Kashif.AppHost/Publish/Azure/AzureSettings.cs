using System.Text;
using Kashif.NativeServers;

namespace Kashif.Publish.Azure;

/// <summary>
/// Where each value of the model comes from on Azure: a value that contains a secret comes from the key vault, which main.bicep fills;
/// the others stand in the service's own file.
/// </summary>
internal sealed class AzureSettings
{
    private readonly PublishedApp _app;
    private readonly Dictionary<Template, string> _names = [];

    private AzureSettings(PublishedApp app) => _app = app;

    /// <summary>The secrets of the vault with expressions for their values. Redis writes its own.</summary>
    public SortedDictionary<string, string> Secrets { get; } = new(StringComparer.Ordinal);

    /// <summary>The parameters of main.bicep: those of the secrets and of the servers.</summary>
    public IReadOnlyList<ParameterResource> MainParameters { get; private set; } = [];

    /// <summary>Secrets that may be empty. The vault takes no empty value, so services do without them.</summary>
    public IReadOnlyList<ParameterResource> OptionalSecrets => [.. MainParameters.Where(IsOptionalSecret)];

    public static AzureSettings Of(PublishedApp app)
    {
        var settings = new AzureSettings(app);
        foreach (var (name, template) in app.Workloads.Where(settings.IsContainerApp).SelectMany(workload => workload.Environment))
        {
            if (template.Parameters.Any(value => value.Parameter.Secret) && settings.RedisOf(template) is null)
            {
                settings.Secrets[settings.SecretOf(name, template)] = settings.Write(template);
            }
        }

        var used = settings._names.Keys.Concat(app.Servers.Where(server => server.Resource is PostgresServerResource).SelectMany(server => server.Templates))
            .SelectMany(template => template.Parameters).Select(value => value.Parameter).ToHashSet();
        settings.MainParameters = [.. app.Parameters.Where(used.Contains)];
        return settings;
    }

    /// <summary>The name of the secret with the connection string of a Redis.</summary>
    public static string ConnectionOf(Workload server) => $"{server.Name}-connection-string";

    /// <summary>An expression for a template.</summary>
    public string Write(Template template)
    {
        var expression = Bicep.Write(template, HostOf, PortOf);
        // The service checks whose certificate it is.
        return template.Hosts.Any(host => ServerOf(host)?.Resource is PostgresServerResource) ? $"{expression[..^1]};SSL Mode=VerifyFull'" : expression;
    }

    public IEnumerable<string> EnvironmentOf(Workload workload) => workload.Environment.Select(variable => SecretNameOf(variable.Key, variable.Value) is { } secret
        ? $"{{ name: {Bicep.Quote(variable.Key)}, secretRef: {Bicep.Quote(secret)} }}"
        : $"{{ name: {Bicep.Quote(variable.Key)}, value: {Write(variable.Value)} }}");

    public IEnumerable<string> SecretNamesOf(Workload workload) => workload.Environment.Select(variable => SecretNameOf(variable.Key, variable.Value)).OfType<string>().Distinct();

    /// <summary>The parameters of a service's own file.</summary>
    public IEnumerable<ParameterResource> PlainParametersOf(Workload workload) => workload.Environment
        .Where(variable => SecretNameOf(variable.Key, variable.Value) is null).SelectMany(variable => variable.Value.Parameters)
        .Concat(workload.Arguments.SelectMany(argument => argument.Parameters))
        .Select(value => value.Parameter).Distinct();

    public string Declare(ParameterResource parameter)
    {
        var text = new StringBuilder();
        if (!string.IsNullOrEmpty(parameter.Description))
        {
            text.Append($"@description({Bicep.Quote(parameter.Description)})\n");
        }

        if (parameter.Default is KeptSecret)
        {
            text.Append("@metadata({ azd: { type: 'generate', config: { length: 32, noSpecial: true } } })\n");
        }

        return text.Append(parameter.Secret ? "@secure()\n" : "")
            .Append($"param {Bicep.ParameterOf(parameter)} string{(PublishedApp.IsRequired(parameter) ? "" : " = ''")}\n").ToString();
    }

    /// <summary>The line of a parameters file: the variable of azd's environment, or the value at publishing.</summary>
    public (string Name, string Value) Mapping(ParameterResource parameter)
    {
        var variable = ParameterValue.NameOf(parameter).ToUpperInvariant().Replace('-', '_');
        return (Bicep.ParameterOf(parameter), _app.ValueOf(parameter) is { Length: > 0 } value ? $"${{{variable}={value}}}" : $"${{{variable}}}");
    }

    private static bool IsOptionalSecret(ParameterResource parameter) => parameter.Secret && !PublishedApp.IsRequired(parameter);

    /// <summary>Azure has PostgreSQL and Redis as services.</summary>
    private bool IsContainerApp(Workload workload) => workload.Resource is not (PostgresServerResource or RedisResource);

    private string? SecretNameOf(string variable, Template template) =>
        RedisOf(template) is { } redis ? ConnectionOf(redis)
        : template.Parameters.Any(value => value.Parameter.Secret) ? SecretOf(variable, template)
        : null;

    /// <summary>The same value has one name, under however many variables.</summary>
    private string SecretOf(string variable, Template template)
    {
        if (_names.FirstOrDefault(known => known.Key.Parts.SequenceEqual(template.Parts)) is { Value: { } name })
        {
            return name;
        }

        name = template.Parts is [ParameterValue { IsUriEncoded: false } only]
            ? ParameterValue.NameOf(only.Parameter)
            : variable.Replace("__", "-", StringComparison.Ordinal).Replace('_', '-').ToLowerInvariant();
        if (_names.ContainsValue(name))
        {
            throw new NotSupportedException($"Two different secrets would be named {name}.");
        }

        _names[template] = name;
        return name;
    }

    /// <summary>A value with the host of a Redis is its connection string.</summary>
    private Workload? RedisOf(Template template) => template.Hosts.Select(ServerOf).FirstOrDefault(server => server?.Resource is RedisResource);

    private Workload? ServerOf(string host) => _app.Servers.FirstOrDefault(server => server.Name == host);

    private string HostOf(string workload) => ServerOf(workload)?.Resource is PostgresServerResource ? $"{Bicep.Identifier(workload)}.outputs.host" : Bicep.Quote(workload);

    /// <summary>The ingress of a service listens on port 80.</summary>
    private string PortOf(PortNumber number) => ServerOf(number.Workload) is null ? "80" : number.Text;
}
