using Aspire.Hosting.Publishing;

namespace Kashif.NativeServers;

/// <summary>A secret that is generated once and kept beside the data; Aspire keeps its own in the user's secrets, which all checkouts share.</summary>
internal sealed class KeptSecret(IDistributedApplicationBuilder builder, string name) : ParameterDefault
{
    public override string GetDefaultValue() => RunData.For(builder).Secret(name);

    public override void WriteToManifest(ManifestPublishingContext context) =>
        new GenerateParameterDefault { MinLength = 32, Special = false }.WriteToManifest(context);
}
