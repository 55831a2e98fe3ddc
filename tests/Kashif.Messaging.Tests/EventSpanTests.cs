using System.Diagnostics;
using System.Text.Json;
using Kashif.Messaging.Consumers;
using Kashif.Messaging.Events;
using Kashif.Messaging.RabbitMq;
using Kashif.Telemetry;

namespace Kashif.Messaging.Tests;

public sealed class EventSpanTests : IDisposable
{
    private readonly List<Activity> _stopped = [];
    private readonly ActivityListener _listener;
    private readonly ActivityTraceId[] _traces = [ActivityTraceId.CreateRandom(), ActivityTraceId.CreateRandom()];

    public EventSpanTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == KashifTelemetry.Name,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                // The listener also receives the spans of other tests.
                if (_traces.Contains(activity.TraceId))
                {
                    _stopped.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void A_batch_has_a_span_in_the_trace_of_each_event()
    {
        var (span, batch) = BatchSpan.Start([Delivery(_traces[0]), Delivery(_traces[1])]);

        span.ShouldNotBeNull().TraceId.ShouldBe(_traces[0]);
        span.DisplayName.ShouldBe("process report.created");
        span.Kind.ShouldBe(ActivityKind.Consumer);
        Activity.Current.ShouldBe(span);
        var other = _stopped.ShouldHaveSingleItem();
        other.TraceId.ShouldBe(_traces[1]);
        span.Links.ShouldHaveSingleItem().Context.TraceId.ShouldBe(_traces[1]);
        other.Links.ShouldHaveSingleItem().Context.ShouldBe(span.Context);

        // The parents of the events that handlers publish.
        batch.Select(delivery => delivery.Event.TraceParent).ShouldBe([span.Id, other.Id]);
        span.Dispose();
    }

    [Fact]
    public void A_failed_span_has_the_error_type_but_no_message()
    {
        var (span, _) = BatchSpan.Start([Delivery(_traces[0])]);

        span.Fail(new InvalidOperationException("secret"));

        span.ShouldNotBeNull().Status.ShouldBe(ActivityStatusCode.Error);
        span.StatusDescription.ShouldBeNull();
        span.GetTagItem("error.type").ShouldBe("System.InvalidOperationException");
        span.TagObjects.ShouldAllBe(tag => !$"{tag.Value}".Contains("secret", StringComparison.Ordinal));
        span.Dispose();
    }

    private static Delivery Delivery(ActivityTraceId trace)
    {
        var created = new ReportCreated(Guid.CreateVersion7(), Guid.CreateVersion7(), "A report", "pothole", 1, 2);
        var traceParent = $"00-{trace}-{ActivitySpanId.CreateRandom()}-01";
        var envelope = new CloudEvent(Guid.CreateVersion7(), ReportCreated.Type, TimeProvider.System.GetUtcNow(), default(JsonElement), traceParent);
        return new Delivery(Tag: 1, Body: default, Attempt: 0, envelope, created);
    }
}
