using Aspire.Hosting.Publishing;

namespace Kashif.NativeServers;

/// <summary>A generated secret, stored with the data. Aspire would store it in the user secrets, which all checkouts share.</summary>
internal sealed class KeptSecret(IDistributedApplicationBuilder builder, string name) : ParameterDefault
{
    public override string GetDefaultValue() => RunData.For(builder).Secret(name);

    public override void WriteToManifest(ManifestPublishingContext context) =>
        new GenerateParameterDefault { MinLength = 32, Special = false }.WriteToManifest(context);
}
