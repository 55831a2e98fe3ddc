using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Kashif.Gateway.Representation;

/// <summary>
/// Takes an answer's body and, if it is JSON, passes it on in an envelope. One that is too long to be kept goes through as it
/// comes, between the two halves of the envelope. Anything else passes untouched.
/// </summary>
internal sealed class EnvelopeBody(HttpContext context, IHttpResponseBodyFeature original, StringValues acceptEncoding) : Stream, IHttpResponseBodyFeature
{
    /// <summary>Far more than a list of a hundred, in bytes.</summary>
    private const int MostKept = 1024 * 1024;

    private readonly Stream _inner = original.Stream;
    private PipeWriter? _writer;
    private Phase _phase;
    private MemoryStream? _kept;
    private byte[] _after = [];
    private bool _isUnbuffered;

    private enum Phase
    {
        Undecided,
        Passing,
        Keeping,
        Between,
        Done,
    }

    public Stream Stream => this;

    public PipeWriter Writer => _writer ??= PipeWriter.Create(this, new StreamPipeWriterOptions(leaveOpen: true));

    public override bool CanRead => false;

    /// <summary>As long as nothing has gone out, an answer can be taken back: that is how <c>Response.Clear</c> asks.</summary>
    public override bool CanSeek => _phase is Phase.Undecided or Phase.Keeping;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Decide();
        if (_phase is Phase.Keeping && _kept is { } kept)
        {
            if (kept.Length + buffer.Length <= MostKept)
            {
                kept.Write(buffer.Span);
                return;
            }

            (var before, _after) = Envelope.Around(context.Response.StatusCode);
            Announce(length: null);
            _phase = Phase.Between;
            await _inner.WriteAsync(before, cancellationToken);
            await _inner.WriteAsync(kept.GetBuffer().AsMemory(0, (int)kept.Length), cancellationToken);
            _kept = null;
        }

        await _inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        Decide();
        return _phase is Phase.Keeping ? Task.CompletedTask : _inner.FlushAsync(cancellationToken);
    }

    /// <summary>Not passed on before it is known what to do: compression would choose its coding at once, and see none.</summary>
    public void DisableBuffering() => _isUnbuffered = true;

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(this, path, offset, count, cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        Decide();
        return _phase is Phase.Passing ? original.StartAsync(cancellationToken) : Task.CompletedTask;
    }

    public async Task CompleteAsync()
    {
        await FinishAsync();
        await original.CompleteAsync();
    }

    /// <summary>All of the answer has been written.</summary>
    public async Task FinishAsync()
    {
        var response = context.Response;
        if (_writer is not null)
        {
            await _writer.CompleteAsync();
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            return; // half an answer is none
        }

        if (_phase is Phase.Undecided && !response.HasStarted)
        {
            // Nothing was written: to HEAD it is told what GET would get.
            Decide();
        }

        if (_phase is Phase.Between)
        {
            await _inner.WriteAsync(_after, context.RequestAborted);
        }

        if (_phase is Phase.Keeping && _kept is { Length: > 0 } kept)
        {
            ReadOnlyMemory<byte> body = kept.GetBuffer().AsMemory(0, (int)kept.Length);
            try
            {
                body = Envelope.Wrap(response.StatusCode, body);
                Announce(body.Length);
            }
            catch (JsonException)
            {
                // It only says that it is JSON, and goes on as it came.
                response.ContentLength = body.Length;
            }

            await _inner.WriteAsync(body, context.RequestAborted);
        }

        _phase = Phase.Done;
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

        (_phase, _kept) = (Phase.Undecided, null);
    }

    private static InvalidOperationException Synchronous() => new("Answers are written asynchronously.");

    private void Decide()
    {
        if (_phase is not Phase.Undecided)
        {
            return;
        }

        // Compression outside of this was not to be seen by what is inside.
        context.Request.Headers.AcceptEncoding = acceptEncoding;
        var response = context.Response;
        var isWrapped = Envelope.IsJson(response.ContentType) && response.Headers.ContentEncoding.Count == 0
            && response.StatusCode is >= 200 and not (204 or 205 or 206 or 304);
        _phase = isWrapped && !HttpMethods.IsHead(context.Request.Method) ? Phase.Keeping : Phase.Passing;
        if (isWrapped && _phase is Phase.Passing)
        {
            Announce(length: null);
        }

        _kept = _phase is Phase.Keeping ? new MemoryStream() : null;
        if (_isUnbuffered && _phase is Phase.Passing)
        {
            original.DisableBuffering();
        }
    }

    private void Announce(long? length)
    {
        var response = context.Response;
        response.ContentLength = length;
        response.ContentType = "application/json; charset=utf-8";
        response.Headers.Append(Preferences.Applied, Envelope.Preference);
    }
}
