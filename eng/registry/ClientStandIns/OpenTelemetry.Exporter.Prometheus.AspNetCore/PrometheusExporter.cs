// Stands in for the package OpenTelemetry.Exporter.Prometheus.AspNetCore where no version of it is served; the full registry never
// builds it.

using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using OpenTelemetry.Metrics;

namespace OpenTelemetry.Exporter;

/// <summary>Collects when it is asked, at most every 300 ms as the real one does by default, and writes text format 0.0.4.</summary>
/// <remarks>https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md</remarks>
internal sealed class PrometheusExporter : BaseExporter<Metric>
{
    private static readonly TimeSpan CacheDuration = TimeSpan.FromMilliseconds(300);
    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();
    private byte[] _scrape = [];
    private long _collectedAt;

    public PrometheusExporter() =>
        Reader = new BaseExportingMetricReader(this) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative };

    public MetricReader Reader { get; }

    public Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        if (Scrape() is not { } scrape)
        {
            response.StatusCode = StatusCodes.Status500InternalServerError;
            return Task.CompletedTask;
        }

        response.ContentType = "text/plain; charset=utf-8; version=0.0.4";
        return response.Body.WriteAsync(scrape, context.RequestAborted).AsTask();
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        _text.Clear();
        foreach (var metric in batch)
        {
            // Prometheus has no form for them yet.
            if (metric.MetricType is not MetricType.ExponentialHistogram)
            {
                Write(metric);
            }
        }

        _text.Append("# EOF\n");
        _scrape = Encoding.UTF8.GetBytes(_text.ToString());
        _collectedAt = Stopwatch.GetTimestamp();
        return ExportResult.Success;
    }

    private byte[]? Scrape()
    {
        lock (_lock)
        {
            var isFresh = _collectedAt != 0 && Stopwatch.GetElapsedTime(_collectedAt) < CacheDuration;
            return isFresh || Reader.Collect() ? _scrape : null;
        }
    }

    private void Write(Metric metric)
    {
        var names = new PrometheusName(metric);
        _text.Append("# TYPE ").Append(names.Name).Append(' ').Append(names.Type).Append('\n');
        if (names.Unit.Length > 0)
        {
            _text.Append("# UNIT ").Append(names.Name).Append(' ').Append(names.Unit).Append('\n');
        }

        if (!string.IsNullOrEmpty(metric.Description))
        {
            _text.Append("# HELP ").Append(names.Name).Append(' ').Append(Escape(metric.Description)).Append('\n');
        }

        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            if (metric.MetricType.IsHistogram())
            {
                WriteHistogram(metric, names.Name, point);
            }
            else
            {
                WriteSample(metric, names.Name, point, Value(metric.MetricType, point));
            }
        }
    }

    private void WriteHistogram(Metric metric, string name, in MetricPoint point)
    {
        long total = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            total += bucket.BucketCount;
            WriteSample(metric, $"{name}_bucket", point, Text(total), Text(bucket.ExplicitBound));
        }

        WriteSample(metric, $"{name}_sum", point, Text(point.GetHistogramSum()));
        WriteSample(metric, $"{name}_count", point, Text(point.GetHistogramCount()));
    }

    private void WriteSample(Metric metric, string name, in MetricPoint point, string value, string? bound = null)
    {
        _text.Append(name).Append('{');
        WriteLabel("otel_scope_name", metric.MeterName);
        if (!string.IsNullOrEmpty(metric.MeterVersion))
        {
            WriteLabel("otel_scope_version", metric.MeterVersion);
        }

        foreach (var (key, tag) in metric.MeterTags ?? [])
        {
            WriteLabel(key, tag);
        }

        foreach (var (key, tag) in point.Tags)
        {
            WriteLabel(key, tag);
        }

        if (bound is not null)
        {
            WriteLabel("le", bound);
        }

        _text[^1] = '}'; // over the last comma
        _text.Append(' ').Append(value).Append(' ').Append(Text(point.EndTime.ToUnixTimeMilliseconds())).Append('\n');
    }

    private void WriteLabel(string key, object? value)
    {
        _text.Append(key is "" or [>= '0' and <= '9', ..] ? "_" : "");
        foreach (var character in key)
        {
            _text.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        }

        var text = value is bool flag ? (flag ? "true" : "false") : value?.ToString() ?? "";
        _text.Append("=\"").Append(Escape(text).Replace("\"", "\\\"", StringComparison.Ordinal)).Append("\",");
    }

    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Value(MetricType type, in MetricPoint point) => (type.IsLong(), type.IsSum()) switch
    {
        (true, true) => Text(point.GetSumLong()),
        (true, false) => Text(point.GetGaugeLastValueLong()),
        (false, true) => Text(point.GetSumDouble()),
        (false, false) => Text(point.GetGaugeLastValueDouble()),
    };

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "Nan",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };
}
