using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Reporting.Photos;

internal sealed class PhotoMetrics
{
    private readonly Counter<long> _stored;
    private readonly Counter<long> _rejected;
    private readonly Histogram<double> _processing;

    public PhotoMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(KashifTelemetry.Name);
        _stored = meter.CreateCounter<long>("photos_stored", "{photo}", "Photos stored, by format");
        _rejected = meter.CreateCounter<long>("photos_rejected", "{photo}", "Uploads refused, by reason");
        _processing = meter.CreateHistogram<double>("photo_processing", "s", "From the start of decoding a photo to its three sizes", tags: null, KashifTelemetry.Seconds);
    }

    public void Stored(PhotoFormat format) => _stored.Add(1, new KeyValuePair<string, object?>("format", format.Extension()));

    /// <param name="reason">The <c>code</c> of the error.</param>
    public void Rejected(string reason) => _rejected.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Processed(TimeSpan time) => _processing.Record(time.TotalSeconds);
}
