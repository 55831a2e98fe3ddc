using k8s.Models;

namespace Kashif.Publish.Kubernetes;

/// <summary>
/// The option <c>tls.enabled</c>: our services talk HTTPS to each other, with a certificate from a Secret of type
/// <c>kubernetes.io/tls</c> and the certificate of its authority in <c>ca.crt</c>.
/// </summary>
internal static class Tls
{
    public const string Http = "http://";
    private const string Directory = "/tls", AuthorityDirectory = "/tls-ca";

    /// <returns>An expression for one text with TLS and another one without.</returns>
    public static string Choose(string with, string without) => $"{{{{ ternary \"{with}\" \"{without}\" .Values.tls.enabled }}}}";

    /// <summary>Exists only with TLS; pods refer to it as optional.</summary>
    public static Manifest Settings() => new Manifest(new V1ConfigMap
    {
        Metadata = new V1ObjectMeta { Name = Names.Of("tls"), Labels = Names.Labels("tls") },
        Data = new Dictionary<string, string>
        {
            ["Kestrel__Certificates__Default__Path"] = $"{Directory}/tls.crt",
            ["Kestrel__Certificates__Default__KeyPath"] = $"{Directory}/tls.key",
            ["HTTPS_PORT"] = "443", // where a redirected client finds HTTPS
            ["SSL_CERT_DIR"] = $"/etc/ssl/certs:{AuthorityDirectory}", // .NET adds these to the authorities that it trusts
        },
    }).When(".Values.tls.enabled");

    public static V1EnvFromSource Source => new() { ConfigMapRef = new V1ConfigMapEnvSource { Name = Names.Of("tls"), Optional = true } };

    public static IEnumerable<V1VolumeMount> Mounts =>
    [
        new() { Name = "tls", MountPath = Directory, ReadOnlyProperty = true },
        new() { Name = "tls-ca", MountPath = AuthorityDirectory, ReadOnlyProperty = true },
    ];

    public static IEnumerable<V1Volume> Volumes =>
    [
        new() { Name = "tls", Secret = new V1SecretVolumeSource { SecretName = "{{ .Values.tls.secretName }}", Optional = true } },
        new() { Name = "tls-ca", Secret = new V1SecretVolumeSource { SecretName = "{{ .Values.tls.secretName }}", Optional = true, Items = [new V1KeyToPath { Key = "ca.crt", Path = "ca.crt" }] } },
    ];
}
