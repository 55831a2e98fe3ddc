using System.Buffers.Binary;
using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Photos;

/// <summary>A photo without anything but its pixels, in three sizes.</summary>
internal sealed record ProcessedPhoto(
    PhotoFormat Format, int Width, int Height, ReadOnlyMemory<byte> Original, ReadOnlyMemory<byte> Medium, ReadOnlyMemory<byte> Thumb);

/// <summary>
/// Has each photo decoded by a <see cref="PhotoWorker"/>: a new process, which sees one photo and ends. A file that crashes it, or keeps it busy,
/// is refused and harms nothing else. After the first photo the next process is always ready, so that no upload waits for its start.
/// </summary>
internal sealed partial class PhotoProcessor(IOptions<PhotoOptions> options, PhotoMetrics metrics, ILogger<PhotoProcessor> logger) : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _free = new(options.Value.Workers);
    private readonly Lock _lock = new();
    private Worker? _next;
    private bool _isDisposed;

    /// <returns>The photo, or null and why not.</returns>
    /// <exception cref="TimeoutException">No process could be started.</exception>
    public async Task<(ProcessedPhoto? Photo, PhotoVerdict Verdict)> ProcessAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            using var worker = await TakeAsync(cancellationToken);
            Prepare();
            var start = Stopwatch.GetTimestamp();
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(options.Value.Timeout);
            try
            {
                return await worker.ProcessAsync(content, limit.Token);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                WorkerFailed(logger, exception is OperationCanceledException ? "took too long" : "ended", content.Length);
                return (null, PhotoVerdict.Damaged);
            }
            finally
            {
                metrics.Processed(Stopwatch.GetElapsedTime(start));
            }
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _next?.Dispose();
            _next = null;
        }
    }

    private async Task<Worker> TakeAsync(CancellationToken cancellationToken)
    {
        Worker? worker;
        lock (_lock)
        {
            (worker, _next) = (_next, null);
        }

        // One that has waited may be gone.
        if (worker is not null && await worker.IsReadyAsync(cancellationToken))
        {
            return worker;
        }

        worker?.Dispose();
        worker = new Worker();
        if (await worker.IsReadyAsync(cancellationToken))
        {
            return worker;
        }

        worker.Dispose();
        StartFailed(logger);
        throw new TimeoutException("The process that decodes photos does not start.");
    }

    private void Prepare()
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _next ??= new Worker();
            }
        }
    }

    [LoggerMessage(EventId = 3101, Level = LogLevel.Warning, Message = "The process that decoded a photo of {Length} bytes {What}; the photo is refused")]
    private static partial void WorkerFailed(ILogger logger, string what, int length);

    [LoggerMessage(EventId = 3102, Level = LogLevel.Error, Message = "The process that decodes photos does not start. Run the program with the argument " + PhotoWorker.Command + " to see why")]
    private static partial void StartFailed(ILogger logger);

    private sealed class Worker : IDisposable
    {
        private readonly Process _process = Process.Start(Program()) ?? throw new InvalidOperationException("No process.");
        private readonly Task<bool> _ready;

        public Worker()
        {
            // The image library warns about files.
            _ = _process.StandardError.BaseStream.CopyToAsync(Stream.Null);
            _ready = ReadReadyAsync();
        }

        public async Task<bool> IsReadyAsync(CancellationToken cancellationToken) => await _ready.WaitAsync(cancellationToken) && !_process.HasExited;

        /// <exception cref="IOException">The process has ended.</exception>
        public async Task<(ProcessedPhoto?, PhotoVerdict)> ProcessAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
        {
            var (input, output) = (_process.StandardInput.BaseStream, _process.StandardOutput.BaseStream);
            await input.WriteAsync(content, cancellationToken);
            input.Close();

            var header = new byte[PhotoWorker.HeaderLength];
            await output.ReadExactlyAsync(header.AsMemory(0, 1), cancellationToken);
            var verdict = (PhotoVerdict)header[0];
            if (verdict is not PhotoVerdict.Fine)
            {
                return Enum.IsDefined(verdict) ? (null, verdict) : throw new IOException("The answer is damaged.");
            }

            await output.ReadExactlyAsync(header.AsMemory(1), cancellationToken);
            var original = await ReadAsync(Number(2), PhotoUploads.MaxBytes);
            var medium = await ReadAsync(Number(3), PhotoUploads.MaxBytes);
            var thumb = await ReadAsync(Number(4), PhotoUploads.MaxBytes);
            var (format, width, height) = ((PhotoFormat)header[1], Number(0), Number(1));

            // A process that a file has taken over may answer anything.
            return Enum.IsDefined(format) && width > 0 && height > 0 && PhotoFormats.Of(original) == format
                && PhotoFormats.Of(medium) is PhotoFormat.Jpeg && PhotoFormats.Of(thumb) is PhotoFormat.Jpeg
                    ? (new ProcessedPhoto(format, width, height, original, medium, thumb), verdict)
                    : throw new IOException("The answer is damaged.");

            int Number(int index) => BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(2 + (index * sizeof(int))));

            async Task<byte[]> ReadAsync(int length, int most)
            {
                var bytes = new byte[length > 0 && length <= most ? length : throw new IOException("The answer is damaged.")];
                await output.ReadExactlyAsync(bytes, cancellationToken);
                return bytes;
            }
        }

        public void Dispose()
        {
            try
            {
                _process.Kill();
            }
            catch (InvalidOperationException)
            {
                // It has ended already.
            }

            _process.Dispose();
        }

        private async Task<bool> ReadReadyAsync()
        {
            using var limit = new CancellationTokenSource(StartLimit);
            var first = new byte[1];
            try
            {
                return await _process.StandardOutput.BaseStream.ReadAsync(first, limit.Token) == 1 && first[0] == PhotoWorker.Ready;
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
            {
                return false;
            }
        }

        /// <summary>The service's own program, without the service's environment: there are secrets in it.</summary>
        private static ProcessStartInfo Program()
        {
            var assembly = typeof(PhotoWorker).Assembly.Location;
            var own = Environment.ProcessPath ?? "dotnet";
            var start = Path.GetFileNameWithoutExtension(own) == "dotnet"
                ? new ProcessStartInfo(own, [assembly, PhotoWorker.Command])
                : new ProcessStartInfo(Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null), [PhotoWorker.Command]);
            (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError, start.UseShellExecute) = (true, true, true, false);

            string[] kept = ["PATH", "DOTNET_ROOT", "DOTNET_ROOT_X64", "DOTNET_ROOT_ARM64", "LD_LIBRARY_PATH", "SystemRoot", "TMPDIR"];
            var environment = kept.Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name))).Where(variable => variable.Value is not null).ToArray();
            start.Environment.Clear();
            foreach (var (name, value) in environment.Concat(
            [
                ("DOTNET_GCHeapHardLimit", "0x8000000"), ("DOTNET_gcServer", "0"), ("DOTNET_gcConcurrent", "0"), ("DOTNET_TieredPGO", "0"),
                ("DOTNET_EnableDiagnostics", "0"), ("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"), ("MALLOC_ARENA_MAX", "2"),
                ("VIPS_BLOCK_UNTRUSTED", "1"), ("VIPS_CONCURRENCY", "1"), ("VIPS_WARNING", "0"), ("VIPS_DISC_THRESHOLD", "1g"), // never a file
            ]))
            {
                start.Environment[name] = value;
            }

            return start;
        }
    }
}
