using System.Text.RegularExpressions;

namespace Kashif.Publish;

/// <summary>A part of a <see cref="Template"/>.</summary>
internal abstract record Part;

/// <summary>Fixed text.</summary>
internal record Literal(string Text) : Part;

/// <summary>The port on which other workloads reach a workload.</summary>
internal sealed record PortNumber(string Workload, string Port) : Literal(Port);

/// <summary>The value of a parameter.</summary>
/// <param name="IsUriEncoded">Whether the value stands in a URI and is percent-encoded.</param>
internal sealed record ParameterValue(ParameterResource Parameter, bool IsUriEncoded) : Part
{
    /// <summary>The name of a parameter among the settings of a target.</summary>
    public static string NameOf(ParameterResource parameter) => parameter is IResourceWithConnectionString ? $"{parameter.Name}-connection-string" : parameter.Name;
}

/// <summary>The host name under which other workloads reach a workload.</summary>
internal sealed record HostName(string Workload) : Part;

/// <summary>A text of the app model in which each target writes parameters and host names in its own syntax.</summary>
internal sealed partial record Template(IReadOnlyList<Part> Parts)
{
    public IEnumerable<ParameterValue> Parameters => Parts.OfType<ParameterValue>();

    public IEnumerable<string> Hosts => Parts.OfType<HostName>().Select(host => host.Workload);

    /// <summary>Reads a value of the app model, such as an environment variable.</summary>
    /// <param name="ports">The port on which the workload listens for an endpoint.</param>
    /// <exception cref="NotSupportedException">The value is of a kind that cannot be published.</exception>
    public static async Task<Template> ReadAsync(object value, Func<EndpointReference, int> ports, CancellationToken cancellationToken)
    {
        var parts = new List<Part>();
        await ReadAsync(parts, value, isUriEncoded: false, ports, cancellationToken);
        return new Template(parts);
    }

    public string Write(Func<Part, string> write) => string.Concat(Parts.Select(write));

    private static async Task ReadAsync(List<Part> parts, object value, bool isUriEncoded, Func<EndpointReference, int> ports, CancellationToken cancellationToken)
    {
        switch (value)
        {
            case string text:
                parts.Add(new Literal(text));
                break;
            case ParameterResource parameter:
                parts.Add(new ParameterValue(parameter, isUriEncoded));
                break;
            case IResourceBuilder<ParameterResource> parameter:
                parts.Add(new ParameterValue(parameter.Resource, isUriEncoded));
                break;
            case EndpointReference endpoint:
                parts.AddRange(Of(endpoint.Property(EndpointProperty.Url), ports));
                break;
            case EndpointReferenceExpression endpoint:
                parts.AddRange(Of(endpoint, ports));
                break;
            case ConnectionStringReference reference:
                await ReadAsync(parts, reference.Resource, isUriEncoded, ports, cancellationToken);
                break;
            case IResourceWithConnectionString resource:
                await ReadAsync(parts, resource.ConnectionStringExpression, isUriEncoded, ports, cancellationToken);
                break;
            case ReferenceExpression { Condition: { } condition, WhenTrue: { } whenTrue, WhenFalse: { } whenFalse } choice:
                var holds = string.Equals(await condition.GetValueAsync(cancellationToken), choice.MatchValue, StringComparison.OrdinalIgnoreCase);
                await ReadAsync(parts, holds ? whenTrue : whenFalse, isUriEncoded, ports, cancellationToken);
                break;
            case ReferenceExpression expression:
                foreach (var (text, index) in SplitFormat(expression.Format))
                {
                    await ReadAsync(parts, index is { } hole ? expression.ValueProviders[hole] : text,
                        isUriEncoded || (index is { } at && expression.StringFormats[at] == "uri"), ports, cancellationToken);
                }

                break;
            default:
                throw new NotSupportedException($"A value of type {value.GetType().Name} cannot be published.");
        }
    }

    private static IEnumerable<Part> Of(EndpointReferenceExpression expression, Func<EndpointReference, int> ports)
    {
        var endpoint = expression.Endpoint;
        var host = new HostName(endpoint.Resource.Name);
        var port = new PortNumber(endpoint.Resource.Name, ports(endpoint).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return expression.Property switch
        {
            EndpointProperty.Url => [new Literal($"{endpoint.Scheme}://"), host, new Literal(":"), port],
            EndpointProperty.HostAndPort => [host, new Literal(":"), port],
            EndpointProperty.Host or EndpointProperty.IPV4Host => [host],
            EndpointProperty.Port => [port],
            EndpointProperty.TargetPort => [new Literal(port.Port)],
            EndpointProperty.Scheme => [new Literal(endpoint.Scheme)],
            var other => throw new NotSupportedException($"The property {other} of an endpoint cannot be published."),
        };
    }

    /// <summary>Splits <c>Host={0};Port={1}</c> into its texts and the indexes of its values.</summary>
    private static IEnumerable<(string Text, int? Index)> SplitFormat(string format)
    {
        foreach (Match match in FormatItem().Matches(format))
        {
            yield return match.Groups["index"] is { Success: true, Value: var index }
                ? ("", int.Parse(index, System.Globalization.CultureInfo.InvariantCulture))
                : (match.Value.Replace("{{", "{", StringComparison.Ordinal).Replace("}}", "}", StringComparison.Ordinal), null);
        }
    }

    [GeneratedRegex(@"\{(?<index>\d+)\}|(?:\{\{|\}\}|[^{}])+")]
    private static partial Regex FormatItem();
}
