// Stands in for the package OpenTelemetry.Exporter.Prometheus.AspNetCore where no version of it is served; the full registry never
// builds it.

using System.Text.RegularExpressions;
using OpenTelemetry.Metrics;

namespace OpenTelemetry.Exporter;

/// <summary>An instrument's name, type and unit as Prometheus writes them.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1</remarks>
internal sealed partial class PrometheusName
{
    private const string Total = "_total";

    public PrometheusName(Metric metric)
    {
        Type = metric.MetricType switch
        {
            // An up-down counter is a gauge there, although it is a sum.
            MetricType.LongSum or MetricType.DoubleSum => "counter",
            var type when type.IsHistogram() => "histogram",
            _ => "gauge",
        };
        Unit = UnitOf(metric.Unit);
        Name = NotInNames().Replace(metric.Name, "_");
        if (char.IsAsciiDigit(Name[0]))
        {
            Name = $"_{Name[1..]}";
        }

        if (Unit.Length > 0 && !Name.EndsWith(Unit, StringComparison.Ordinal))
        {
            Name = $"{Name}_{Unit}";
        }

        if (Type == "counter" && !Name.EndsWith(Total, StringComparison.Ordinal))
        {
            Name += Total;
        }
    }

    public string Name { get; }

    public string Type { get; }

    /// <summary>Empty where there is none.</summary>
    public string Unit { get; }

    /// <summary><c>{request}</c> is an annotation and no unit; <c>By/s</c> is <c>bytes_per_second</c>.</summary>
    private static string UnitOf(string unit)
    {
        var bare = Annotation().Replace(unit, "");
        var full = bare.Split('/', 2) is [var what, { Length: > 0 } per] ? $"{Word(what)}_per_{PerWord(per)}" : Word(bare);
        return NotInNames().Replace(full, "_").Trim('_');
    }

    private static string Word(string unit) => unit switch
    {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "1" => "",
        "%" => "percent",
        _ => unit,
    };

    private static string PerWord(string unit) => unit switch
    {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        _ => unit,
    };

    [GeneratedRegex("[^A-Za-z0-9:]+")]
    private static partial Regex NotInNames();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Annotation();
}
