using System.Diagnostics.Metrics;
using Kashif.Telemetry;

namespace Kashif.Testing;

/// <summary>Counts what a counter of this process adds under some labels.</summary>
public sealed class MeasuredCounter : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _sum;

    public MeasuredCounter(string name, params string[] labels)
        : this(meters: null, name, labels)
    {
    }

    /// <param name="meters">Only its meters; null for all of this process.</param>
    public MeasuredCounter(IMeterFactory? meters, string name, params string[] labels)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == KashifTelemetry.Name && instrument.Name == name && (meters is null || instrument.Meter.Scope == meters))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, added, tags, _) =>
        {
            var values = tags.ToArray().Select(tag => tag.Value?.ToString()).ToArray();
            if (labels.All(values.Contains))
            {
                Interlocked.Add(ref _sum, added);
            }
        });
        _listener.Start();
    }

    public long Sum => Interlocked.Read(ref _sum);

    public void Dispose() => _listener.Dispose();
}
