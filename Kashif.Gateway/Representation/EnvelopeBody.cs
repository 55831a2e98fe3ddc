using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Kashif.Gateway.Representation;

/// <summary>
/// Wraps a JSON response body in an envelope. Buffers the body to parse it; streams one that is too long between the two parts of
/// the envelope. Passes anything else through.
/// </summary>
internal sealed class EnvelopeBody(HttpContext context, IHttpResponseBodyFeature original, StringValues acceptEncoding) : Stream, IHttpResponseBodyFeature
{
    /// <summary>In bytes; far more than a page of a hundred items.</summary>
    private const int MaxBuffered = 1024 * 1024;

    private readonly Stream _inner = original.Stream;
    private PipeWriter? _writer;
    private Mode _mode;
    private MemoryStream? _buffer;
    private byte[] _after = [];
    private bool _isUnbuffered;

    private enum Mode
    {
        Undecided,
        PassThrough,
        Buffering,
        Streaming,
        Done,
    }

    public Stream Stream => this;

    public PipeWriter Writer => _writer ??= PipeWriter.Create(this, new StreamPipeWriterOptions(leaveOpen: true));

    public override bool CanRead => false;

    /// <summary>True while nothing is sent: <c>Response.Clear</c> checks this, then calls <see cref="SetLength"/>.</summary>
    public override bool CanSeek => _mode is Mode.Undecided or Mode.Buffering;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ChooseMode();
        if (_mode is Mode.Buffering && _buffer is { } buffered)
        {
            if (buffered.Length + buffer.Length <= MaxBuffered)
            {
                buffered.Write(buffer.Span);
                return;
            }

            (var before, _after) = Envelope.Parts(context.Response.StatusCode);
            SetHeaders(length: null);
            _mode = Mode.Streaming;
            await _inner.WriteAsync(before, cancellationToken);
            await _inner.WriteAsync(buffered.GetBuffer().AsMemory(0, (int)buffered.Length), cancellationToken);
            _buffer = null;
        }

        await _inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        ChooseMode();
        return _mode is Mode.Buffering ? Task.CompletedTask : _inner.FlushAsync(cancellationToken);
    }

    /// <summary>Delayed until the mode is chosen: otherwise compression would choose its coding now, from an empty Accept-Encoding.</summary>
    public void DisableBuffering() => _isUnbuffered = true;

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(this, path, offset, count, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        ChooseMode();
        return _mode is Mode.PassThrough ? original.StartAsync(cancellationToken) : Task.CompletedTask;
    }

    public async Task CompleteAsync()
    {
        await FinishAsync();
        await original.CompleteAsync();
    }

    /// <summary>Call when the response is complete.</summary>
    public async Task FinishAsync()
    {
        var response = context.Response;
        if (_writer is not null)
        {
            await _writer.CompleteAsync();
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            return; // The response is incomplete.
        }

        if (_mode is Mode.Undecided && !response.HasStarted)
        {
            // An empty body: HEAD must return the same headers as GET.
            ChooseMode();
        }

        if (_mode is Mode.Streaming)
        {
            await _inner.WriteAsync(_after, context.RequestAborted);
        }

        if (_mode is Mode.Buffering && _buffer is { Length: > 0 } buffered)
        {
            ReadOnlyMemory<byte> body = buffered.GetBuffer().AsMemory(0, (int)buffered.Length);
            try
            {
                body = Envelope.Wrap(response.StatusCode, body);
                SetHeaders(body.Length);
            }
            catch (JsonException)
            {
                // Not JSON despite its content type: pass it through.
                response.ContentLength = body.Length;
            }

            await _inner.WriteAsync(body, context.RequestAborted);
        }

        _mode = Mode.Done;
    }

    public override void Flush() => throw Synchronous();

    public override void Write(byte[] buffer, int offset, int count) => throw Synchronous();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value)
    {
        if (!CanSeek || value != 0)
        {
            throw new NotSupportedException();
        }

        (_mode, _buffer) = (Mode.Undecided, null);
    }

    private static InvalidOperationException Synchronous() => new("Write asynchronously.");

    private void ChooseMode()
    {
        if (_mode is not Mode.Undecided)
        {
            return;
        }

        // Restore the header for the outer compression; inner middleware must not compress.
        context.Request.Headers.AcceptEncoding = acceptEncoding;
        var response = context.Response;
        var isWrapped = Envelope.IsJson(response.ContentType) && response.Headers.ContentEncoding.Count == 0
            && response.StatusCode is >= 200 and not (204 or 205 or 206 or 304);
        _mode = isWrapped && !HttpMethods.IsHead(context.Request.Method) ? Mode.Buffering : Mode.PassThrough;
        if (isWrapped && _mode is Mode.PassThrough)
        {
            SetHeaders(length: null);
        }

        _buffer = _mode is Mode.Buffering ? new MemoryStream() : null;
        if (_isUnbuffered && _mode is Mode.PassThrough)
        {
            original.DisableBuffering();
        }
    }

    private void SetHeaders(long? length)
    {
        var response = context.Response;
        response.ContentLength = length;
        response.ContentType = "application/json; charset=utf-8";
        response.Headers.Append(Preferences.Applied, Envelope.Preference);
    }
}
