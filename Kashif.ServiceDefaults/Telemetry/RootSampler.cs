using System.Diagnostics;
using OpenTelemetry.Trace;

namespace Kashif.Telemetry;

/// <summary>
/// Only requests and events start traces. Queries and calls outside of them are polls, and would fill the trace store even on an idle
/// system.
/// </summary>
internal sealed class RootSampler : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) => new(
        samplingParameters.Kind is ActivityKind.Server or ActivityKind.Producer or ActivityKind.Consumer
            ? SamplingDecision.RecordAndSample
            : SamplingDecision.Drop);
}
