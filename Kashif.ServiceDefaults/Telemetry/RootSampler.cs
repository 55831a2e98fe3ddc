using System.Diagnostics;
using OpenTelemetry.Trace;

namespace Kashif.Telemetry;

/// <summary>
/// Requests and events begin traces. A query or a call outside of them is a poll: traced, the idle system alone would fill the
/// store.
/// </summary>
internal sealed class RootSampler : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) => new(
        samplingParameters.Kind is ActivityKind.Server or ActivityKind.Producer or ActivityKind.Consumer
            ? SamplingDecision.RecordAndSample
            : SamplingDecision.Drop);
}
