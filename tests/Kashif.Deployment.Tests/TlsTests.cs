using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kashif.Testing;

namespace Kashif.Deployment.Tests;

/// <summary>TLS inside the cluster: only settings, with certificates of an authority of one's own.</summary>
public sealed class TlsTests(DeploymentServers servers)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.ServiceUnavailable)]
    public async Task The_gateway_calls_services_over_TLS_if_it_trusts_their_authority(bool trusts, HttpStatusCode expected)
    {
        var directory = Directory.CreateTempSubdirectory("kashif-tls-");
        try
        {
            using var authority = Authority();
            var bundle = Path.Combine(directory.FullName, "ca.pem");
            await File.WriteAllTextAsync(bundle, authority.ExportCertificatePem(), Cancel);
            var (certificate, key) = Issue(authority, directory.FullName);

            var address = new Uri($"https://localhost:{Ports.Free()}");
            var settings = servers.MinimalSettings(ResourceNames.Reporting, servers.NewDatabase());
            settings["Kestrel__Endpoints__Https__Url"] = address.AbsoluteUri;
            settings["Kestrel__Endpoints__Https__Certificate__Path"] = certificate;
            settings["Kestrel__Endpoints__Https__Certificate__KeyPath"] = key;
            await using var service = ServiceProcess.StartAt(address, ResourceNames.Reporting, settings, Trusting(authority));
            await service.HealthyAsync("/alive"); // while it waits for its schema
            (await ServiceProcess.RunAsync(ResourceNames.Reporting, settings, "migrate")).ExitCode.ShouldBe(0);
            await service.HealthyAsync("/ready");

            var gateway = servers.MinimalSettings(ResourceNames.Gateway);
            gateway["services__reporting__https__0"] = address.AbsoluteUri;
            if (trusts)
            {
                gateway["SSL_CERT_FILE"] = bundle;
            }

            await using var process = await ServiceProcess.Start(ResourceNames.Gateway, gateway).HealthyAsync("/ready");
            (await process.StatusAsync("/api/v1/reports/categories")).ShouldBe(expected, process.Output);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static SocketsHttpHandler Trusting(X509Certificate2 authority) => new()
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { authority },
                RevocationMode = X509RevocationMode.NoCheck,
            },
        },
    };

    private static X509Certificate2 Authority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Kashif test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(2));
    }

    /// <summary>A certificate for localhost.</summary>
    private static (string Certificate, string Key) Issue(X509Certificate2 authority, string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var issued = request.Create(authority, TimeProvider.System.GetUtcNow().AddHours(-1), TimeProvider.System.GetUtcNow().AddDays(1), RandomNumberGenerator.GetBytes(8));
        var (certificate, keyFile) = (Path.Combine(directory, "tls.crt"), Path.Combine(directory, "tls.key"));
        File.WriteAllText(certificate, issued.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificate, keyFile);
    }
}
