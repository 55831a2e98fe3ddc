using System.Globalization;
using Kashif.Reporting.Photos;
using Kashif.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>The process that decodes photos.</summary>
[Collection(typeof(Alone))] // it counts processes
public sealed class PhotoProcessorTests(ReportingService service)
{
    [Fact]
    public async Task A_photo_that_takes_too_long_is_refused_and_the_next_one_is_not()
    {
        using var hasty = Processor(new PhotoOptions { Timeout = TimeSpan.FromMilliseconds(1), Workers = 1 });
        (await hasty.ProcessAsync(Pictures.Jpeg(4000, 3000), Cancelled)).Verdict.ShouldBe(PhotoVerdict.Damaged);

        using var processor = Processor(new PhotoOptions { Workers = 1 });
        var all = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => processor.ProcessAsync(Pictures.Png(), Cancelled)));
        all.ShouldAllBe(result => result.Photo != null);
    }

    [Fact]
    public async Task The_largest_photo_fits_into_the_memory_also_when_it_is_turned()
    {
        using var processor = Processor(new PhotoOptions { Timeout = TimeSpan.FromMinutes(1) });

        var (photo, verdict) = await processor.ProcessAsync(Pictures.Jpeg(7_900, 6_300, orientation: 6), Cancelled);

        verdict.ShouldBe(PhotoVerdict.Fine);
        (photo?.Width, photo?.Height).ShouldBe((6_300, 7_900));
    }

    [Fact]
    public async Task The_process_has_no_secrets_and_cannot_get_out()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only.");
        Environment.SetEnvironmentVariable("PHOTO_TEST_SECRET", "hunter2");
        using var processor = Processor(new PhotoOptions());
        await processor.ProcessAsync(Pictures.Png(), Cancelled);

        // Others of this test run may wait too; all are alike.
        List<string> waiting = [];
        await Eventually.TrueAsync(() => (waiting = Children()).Exists(process => Read(process, "status").Contains("Seccomp:\t2", StringComparison.Ordinal)), "a process in the sandbox");
        foreach (var (process, status) in waiting.Select(process => (process, Read(process, "status"))).Where(read => read.Item2.Contains("Seccomp:\t2", StringComparison.Ordinal)))
        {
            status.ShouldContain("NoNewPrivs:\t1"); // the process may have ended meanwhile
            Read(process, "environ").ShouldNotContain("hunter2");
            Read(process, "limits").ShouldNotMatch("Max address space +unlimited");
        }
    }

    [Fact]
    public async Task The_process_ends_with_its_service()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only.");
        var before = Children();
        var processor = Processor(new PhotoOptions());
        await processor.ProcessAsync(Pictures.Png(), Cancelled);

        processor.Dispose();

        await Eventually.TrueAsync(() => Children().Except(before).All(process => Read(process, "cmdline").Length == 0) || Children().Count <= before.Count, "the end of the process");
    }

    private PhotoProcessor Processor(PhotoOptions options) =>
        new(Options.Create(options), service.Host.Services.GetRequiredService<PhotoMetrics>(), NullLogger<PhotoProcessor>.Instance);

    private static List<string> Children()
    {
        var parent = string.Create(CultureInfo.InvariantCulture, $"PPid:\t{Environment.ProcessId}\n");
        return [.. Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])
            && Read(path, "status").Contains(parent, StringComparison.Ordinal) && Read(path, "cmdline").Contains(PhotoWorker.Command, StringComparison.Ordinal))];
    }

    private static string Read(string process, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ""; // it has ended
        }
    }
}
