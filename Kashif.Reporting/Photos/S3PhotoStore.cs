using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Options;

namespace Kashif.Reporting.Photos;

/// <summary>The files as objects of a server that speaks S3: <c>photos/{id}/original</c>, <c>/medium</c> and <c>/thumb</c>.</summary>
internal sealed class S3PhotoStore : IPhotoStore, IDisposable
{
    private const int PieceLength = 64 * 1024;
    private const string UsualRegion = "us-east-1";
    private readonly AmazonS3Client _client;
    private readonly string _bucket;

    public S3PhotoStore(IOptions<PhotoOptions> options)
    {
        var settings = options.Value.S3;
        _bucket = settings.Bucket ?? "";
        var region = string.IsNullOrWhiteSpace(settings.Region) ? UsualRegion : settings.Region;
        var config = new AmazonS3Config
        {
            ForcePathStyle = settings.UsesPathStyle,
            AuthenticationRegion = region,
            MaxErrorRetry = 2,
            Timeout = TimeSpan.FromSeconds(20),

            // Servers other than Amazon's may not know the newer checksums, which are in trailers.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (string.IsNullOrWhiteSpace(settings.Endpoint))
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(region);
        }
        else
        {
            config.ServiceURL = settings.Endpoint;
        }

        _client = new AmazonS3Client(new BasicAWSCredentials(settings.AccessKey, settings.SecretKey), config);
    }

    public async Task PutAsync(Guid photo, PhotoSize size, PhotoFormat format, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream(content.ToArray(), writable: false);
        var request = new PutObjectRequest
        {
            BucketName = _bucket,
            Key = KeyOf(photo, size),
            InputStream = stream,
            ContentType = (size is PhotoSize.Original ? format : PhotoFormat.Jpeg).ContentType(),
            UseChunkEncoding = false, // one signature over the whole: not every server reads chunks
        };
        await AskAsync(() => _client.PutObjectAsync(request, cancellationToken));
    }

    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(Guid photo, PhotoSize size, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var file = await GetAsync(photo, size, cancellationToken);
        var buffer = new byte[PieceLength];
        while (await file.ResponseStream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            yield return buffer.AsMemory(0, count);
        }
    }

    public async Task DeleteAsync(Guid photo, CancellationToken cancellationToken)
    {
        foreach (var size in Enum.GetValues<PhotoSize>())
        {
            await AskAsync(() => _client.DeleteObjectAsync(_bucket, KeyOf(photo, size), cancellationToken));
        }
    }

    public void Dispose() => _client.Dispose();

    private static string KeyOf(Guid photo, PhotoSize size) => $"photos/{photo}/{size.ToString().ToLowerInvariant()}";

    private async Task<GetObjectResponse> GetAsync(Guid photo, PhotoSize size, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(() => _client.GetObjectAsync(_bucket, KeyOf(photo, size), cancellationToken));
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode is System.Net.HttpStatusCode.NotFound)
        {
            throw new FileNotFoundException("The bucket has no file of the photo.", exception);
        }
    }

    /// <exception cref="TimeoutException">The server does not answer, or fails: the client gets a 503.</exception>
    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception exception) when (exception is HttpRequestException or AmazonClientException
            && exception is not AmazonServiceException { StatusCode: >= System.Net.HttpStatusCode.BadRequest and < System.Net.HttpStatusCode.InternalServerError })
        {
            throw new TimeoutException("The S3 server is unavailable.", exception);
        }
    }
}
