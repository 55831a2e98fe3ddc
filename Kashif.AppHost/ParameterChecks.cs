using System.ComponentModel.DataAnnotations;
using Kashif.Auth.Users;
using Kashif.Gateway.Perimeter;

namespace Kashif;

/// <summary>Checks parameters that a server or a service would refuse much later.</summary>
internal static class ParameterChecks
{
    // They end a value in RabbitMQ's JSON, Redis's configuration, or a connection string.
    private const string Unusable = "\"\\;,";

    /// <exception cref="DistributedApplicationException">A parameter has a value that cannot be used.</exception>
    public static void CheckParameters(this IDistributedApplicationBuilder builder)
    {
        builder.Check("admin-email", value => EmailAddress.ErrorOf(value, nonAscii: false) is { } error ? $"is '{value}'. {error}" : null);
        builder.Check("admin-password", value => new PasswordAttribute().GetValidationResult(value, new ValidationContext(value)) is { } weak ? $"cannot be used. {weak.ErrorMessage}" : null);
        builder.Check("public-url", value => Uri.TryCreate(value, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) && !value.EndsWith('/') ? null : $"is '{value}'. Set it to a URL without a slash at its end, such as https://kashif.example.org.");
        builder.Check("trusted-proxies", value => ProxyNetworks.Of(value).FirstOrDefault(entry => entry.Network is null) is { Text: { } text } ? ProxyNetworks.FaultOf(text) : null);
        foreach (var server in new[] { ResourceNames.Postgres, ResourceNames.Messaging, ResourceNames.Cache })
        {
            builder.Check($"{server}-password", value => value.Any(character => Unusable.Contains(character) || char.IsWhiteSpace(character) || char.IsControl(character))
                ? "cannot be used. Choose a password without spaces and without these characters: \" \\ ; ,"
                : null);
        }
    }

    private static void Check(this IDistributedApplicationBuilder builder, string name, Func<string, string?> faultOf)
    {
        if (builder.Configuration[$"Parameters:{name}"] is { } value && faultOf(value) is { } fault)
        {
            throw new DistributedApplicationException($"Parameters__{name} {fault}");
        }
    }
}
