using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Kashif.Registry.Tests;

public sealed class OpenTelemetryTests
{
    [Fact]
    public async Task A_started_host_exports_traces_metrics_and_logs_under_one_resource()
    {
        using var source = new ActivitySource("Kashif.Registry.Tests");
        using var meter = new Meter("Kashif.Registry.Tests");
        var spans = new Recorder<Activity>(activity => activity.OperationName);
        var metrics = new Recorder<Metric>(metric => metric.Name);
        var logs = new Recorder<LogRecord>(log => log.Body!);

        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("tested"))
            .WithTracing(tracing => tracing.AddSource(source.Name).AddProcessor(new SimpleActivityExportProcessor(spans)))
            .WithMetrics(provider => provider.AddMeter(meter.Name).AddReader(new BaseExportingMetricReader(metrics)))
            .WithLogging(provider => provider.AddProcessor(new SimpleLogRecordExportProcessor(logs)));
        builder.Services.AddOpenTelemetry().WithTracing();
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);

        using (source.StartActivity("span"))
        {
            meter.CreateCounter<int>("counter").Add(1);
            host.Services.GetRequiredService<ILogger<OpenTelemetryTests>>().LogInformation("line");
        }

        host.Services.GetRequiredService<MeterProvider>().ForceFlush();
        spans.Names.ShouldBe(["span"]);
        metrics.Names.ShouldContain("counter");
        logs.Names.ShouldContain("line");
        spans.Resource.ShouldContain(new KeyValuePair<string, object>("service.name", "tested"));
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    private sealed class Recorder<T>(Func<T, string> nameOf) : BaseExporter<T>
        where T : class
    {
        public ConcurrentQueue<string> Names { get; } = [];

        public IEnumerable<KeyValuePair<string, object>> Resource => ParentProvider.GetResource().Attributes;

        public override ExportResult Export(in Batch<T> batch)
        {
            foreach (var item in batch)
            {
                Names.Enqueue(nameOf(item));
            }

            return ExportResult.Success;
        }
    }
}
